//===- LowerGlu.cpp - lm.glu → kernel -------------------------------------===//
//
// y = f(gate) · up. Of each row, a thread takes a contiguous slice of blocks of 32
// columns; the last block may be shorter.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// Columns that stay on one thread: what a group of the activations' quantization holds, and two lines of memory.
constexpr int64_t kColumns = 32;

LogicalResult lowerGlu(Operation *op, KernelLibrary &library) {
  auto glu = cast<lm::GluOp>(op);
  Value out = glu.getOuts().front();
  FailureOr<RowBuffer> gate = RowBuffer::get(op, glu.getGate(), "gate"), up = RowBuffer::get(op, glu.getUp(), "up"),
                       y = RowBuffer::get(op, out, "result");
  if (failed(gate) || failed(up) || failed(y))
    return failure();
  int64_t width = gate->width, fullBlocks = width / kColumns, rest = width % kColumns;
  bool isSiLU = glu.getActivation() == lm::Activation::SiLU;

  std::string name = llvm::formatv("glu_{0}_{1}_g{2}_u{3}_y{4}", lm::stringifyActivation(glu.getActivation()), width,
                                   gate->stride, up->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(k.i64(fullBlocks + (rest != 0)), tid, nthreads);
    k.loop(k.i64(0), scalars[0], 1, [&, low = low, high = high](Value m) {
      Value g = gate->row(k, pointers[0], m), u = up->row(k, pointers[1], m), result = y->row(k, pointers[2], m);
      auto piece = [&](Value offset, int64_t lanes) {
        Type type = k.vec(k.f32(), lanes);
        Value x = k.load(type, k.at(g, k.f32(), offset));
        x = isSiLU ? emitSiLU(k, x) : emitGELU(k, x);
        k.store(k.mulf(x, k.load(type, k.at(u, k.f32(), offset))), k.at(result, k.f32(), offset));
      };
      k.loop(k.mul(low, kColumns), k.mul(k.mins(high, fullBlocks), kColumns), kLanes,
             [&](Value offset) { piece(offset, kLanes); });
      if (rest == 0)
        return;
      Value ownsRest = k.bitAnd(k.slt(k.i64(fullBlocks), high), k.sge(k.i64(fullBlocks), low));
      k.ifThen(ownsRest, [&] {
        for (Piece p : piecesOf(rest, fullBlocks * kColumns))
          piece(k.i64(p.offset), p.lanes);
      });
    });
  };
  return library.call(op, name, {glu.getGate(), glu.getUp(), out}, {glu.getN()}, body);
}

} // namespace nibble
