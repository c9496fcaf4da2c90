//===- MmaAverage.cpp - sums of a run by averaging look-ups ---------------===//
//
// What MmaLookup.cpp gets exactly, near enough: dialects/MPGEMM/AveragedSums.h defines
// the integers. For each bit of the codes and each half of the panel's rows, the vectors
// of a run are looked up and averaged depth first, so that few of them live at once:
//
//   averageOf(first, n) = averageOf(first, 2n), averageOf(first + n, 2n) averaged
//
// of vectors first, first + n, … ; then the quads of the vector that is left fold
// onto each other, and 16 bytes of averages become sums in i32.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/LookupEmitter.h"
#include "dialects/MPGEMM/AveragedSums.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nibble {

namespace {

class AveragedRun {
public:
  AveragedRun(KernelBuilder &k, const LookupRun &run)
      : k(k), run(run), panel(run.layout.getPanelLayout()), vectors(run.columns / panel.kr),
        codes(k.offset(run.codes, run.column / panel.kr * panel.stepBytes())) {}

  /// Averages of 16 rows, i8.
  Value rows(mpgemm::BitPlane plane, bool upperHalf) const;

private:
  Value lookedUp(mpgemm::BitPlane plane, bool upperHalf, int64_t vector) const;
  Value averageOf(mpgemm::BitPlane plane, bool upperHalf, int64_t first, int64_t apart) const;
  Value average(Value a, Value b) const;

  KernelBuilder &k;
  const LookupRun &run;
  mpgemm::PanelLayout panel;
  int64_t vectors;
  Value codes;
};

} // namespace

/// (a + b + 1) >> 1 of unsigned bytes, in which LLVM knows vpavgb and urhadd.
Value AveragedRun::average(Value a, Value b) const {
  Value sum = k.add(k.add(k.zext(a, k.i16()), k.zext(b, k.i16())), 1);
  return k.trunc(k.shru(sum, 1), k.i8());
}

Value AveragedRun::lookedUp(mpgemm::BitPlane plane, bool upperHalf, int64_t vector) const {
  Type bytes = k.vec(k.i8(), panel.vectorBytes());
  int64_t tableStep = panel.kr * mpgemm::kQuadEntries / mpgemm::kQuadColumns;
  Value table = k.load(bytes, k.offset(run.tables, vector * tableStep), 1);
  Value packed = k.load(bytes, k.offset(codes, vector * panel.stepBytes() + panel.locate(plane, 0, 0).offset), 1);
  // Two's complement: the offset binary of PanelReader::range() has the sign bit inverted.
  if (panel.codeSigned && plane.firstBit + 1 == panel.codeBits)
    packed = k.bitXor(packed, 0xff);
  return lookupEmitter(*run.row).lookUp(k, table, upperHalf ? k.shru(packed, 4) : k.bitAnd(packed, 15));
}

Value AveragedRun::averageOf(mpgemm::BitPlane plane, bool upperHalf, int64_t first, int64_t apart) const {
  if (apart == vectors)
    return lookedUp(plane, upperHalf, first);
  Value a = averageOf(plane, upperHalf, first, 2 * apart), b = averageOf(plane, upperHalf, first + apart, 2 * apart);
  return average(a, b);
}

Value AveragedRun::rows(mpgemm::BitPlane plane, bool upperHalf) const {
  Value folded = averageOf(plane, upperHalf, 0, 1);
  for (int64_t lanes = KernelBuilder::lanes(folded) / 2; lanes >= mpgemm::kCellRows; lanes /= 2)
    folded = average(k.slice(folded, 0, lanes), k.slice(folded, lanes, lanes));
  return folded;
}

SmallVector<Value> averageRun(KernelBuilder &k, const LookupRun &run) {
  const mpgemm::PanelLayout panel = run.layout.getPanelLayout();
  int64_t quads = run.columns / mpgemm::kQuadColumns;
  Value base = k.mul(k.sub(run.base, mpgemm::averagedBias(quads)), (int64_t(1) << panel.codeBits) - 1);
  AveragedRun averaged(k, run);
  SmallVector<Value> dots;
  for (bool upperHalf : {false, true}) {
    Value words; // at most 15 · 254
    for (mpgemm::BitPlane plane : panel.planes()) {
      Value part = k.shl(k.zext(averaged.rows(plane, upperHalf), k.i16()), int64_t(plane.firstBit));
      words = words ? k.add(words, part) : part;
    }
    Value sums = k.shl(k.zext(words, k.i32()), int64_t(llvm::Log2_64(uint64_t(2 * quads))));
    sums = k.add(sums, k.splat(base, mpgemm::kCellRows));
    for (int64_t lane = 0; lane < mpgemm::kCellRows; lane += run.row->lanes)
      dots.push_back(k.slice(sums, lane, run.row->lanes));
  }
  return dots;
}

} // namespace nibble
