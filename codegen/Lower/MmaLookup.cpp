//===- MmaLookup.cpp - integer sums of a run by look-up -------------------===//
//
// What MmaDot.cpp gets by multiplication, from tables (dialects/MPGEMM/LookupLayout.h):
// the same integers, so that everything behind them is shared. For a run of at most 32
// columns:
//
//   for each vector of kr columns       its tables, low and high parts, are loaded once
//     for each bit of the codes         16 bytes a quad are the indices of 32 rows
//       2 halves × 2 parts              look up, add: 8-bit sums without a carry
//   sums of bits, parts and quads → i32, + what the tables' entries were reduced by
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/LookupEmitter.h"

using namespace mlir;

namespace nibble {

/// Vectors of columns in a step of the loop over a run. In straight code LLVM takes the sums apart and spills.
static constexpr int64_t kVectorsPerStep = 2;

/// Sums of one half of the rows, one for each bit.
using HalfSums = SmallVector<LookupSums>;

/// Adds to the sums of every bit what one vector of columns contributes; `codes` and `tables` at the vector's columns.
static void addVector(KernelBuilder &k, const LookupRun &run, Value codes, Value tables,
                      MutableArrayRef<HalfSums> sums) {
  const mpgemm::PanelLayout &panel = run.layout.getPanelLayout();
  const LookupEmitter &emitter = lookupEmitter(*run.row);
  Type bytes = k.vec(k.i8(), panel.vectorBytes());
  Value low = k.load(bytes, tables, 1);
  Value high = k.load(bytes, k.offset(tables, mpgemm::tableBytes(panel.k) / 2), 1);
  auto add = [&](Value &sum, Value table, Value indices) { sum = k.add(sum, emitter.lookUp(k, table, indices)); };
  for (mpgemm::BitPlane plane : panel.planes()) {
    Value packed = k.load(bytes, k.offset(codes, panel.locate(plane, 0, 0).offset), 1);
    // Two's complement: the offset binary of PanelReader::range() has the sign bit inverted.
    if (panel.codeSigned && plane.firstBit + 1 == panel.codeBits)
      packed = k.bitXor(packed, 0xff);
    Value indices[] = {k.bitAnd(packed, 15), k.shru(packed, 4)};
    for (auto [half, index] : llvm::enumerate(indices)) {
      add(sums[half][plane.firstBit].low, low, index);
      add(sums[half][plane.firstBit].high, high, index);
    }
  }
}

/// Sums of both halves (rows 0 … 15 and 16 … 31) and values that a loop carries, and back.
static SmallVector<Value> flatten(ArrayRef<HalfSums> sums) {
  SmallVector<Value> values;
  for (const HalfSums &half : sums)
    for (const LookupSums &bit : half)
      values.append({bit.low, bit.high});
  return values;
}
static SmallVector<HalfSums> gather(ValueRange values, unsigned bits) {
  SmallVector<HalfSums> sums(2);
  for (size_t i = 0; i < values.size(); i += 2)
    sums[i / (2 * bits)].push_back({values[i], values[i + 1]});
  return sums;
}

SmallVector<Value> lookUpRun(KernelBuilder &k, const LookupRun &run) {
  const mpgemm::PanelLayout panel = run.layout.getPanelLayout();
  int64_t vectors = run.columns / panel.kr, step = vectors > kVectorsPerStep ? kVectorsPerStep : 1;
  int64_t tableStep = panel.kr * mpgemm::kQuadEntries / mpgemm::kQuadColumns;
  Value codes = k.offset(run.codes, run.column / panel.kr * panel.stepBytes());
  SmallVector<Value> zeros(4 * panel.codeBits, k.zero(k.vec(k.i8(), panel.vectorBytes())));
  SmallVector<Value> totals = k.loop(k.i64(0), k.i64(vectors), step, zeros, [&](Value first, ValueRange carried) {
    SmallVector<HalfSums> sums = gather(carried, panel.codeBits);
    for (int64_t vector = 0; vector < step; ++vector) {
      Value index = k.add(first, vector);
      addVector(k, run, k.offset(codes, k.mul(index, panel.stepBytes())), k.offset(run.tables, k.mul(index, tableStep)),
                sums);
    }
    return flatten(sums);
  });
  Value base = k.splat(k.mul(run.base, (int64_t(1) << panel.codeBits) - 1), mpgemm::kCellRows);
  SmallVector<Value> dots;
  for (const HalfSums &half : gather(totals, panel.codeBits)) {
    Value rows = k.add(k.zext(lookupEmitter(*run.row).combine(k, half), k.i32()), base);
    for (int64_t lane = 0; lane < mpgemm::kCellRows; lane += run.row->lanes)
      dots.push_back(k.slice(rows, lane, run.row->lanes));
  }
  return dots;
}

} // namespace nibble
