//===- LowerRope.cpp - lm.rope → kernel -----------------------------------===//
//
// Rotations of their own: those that nothing else could take over. Heads are independent: rows × heads are split over
// the team. May be done in place.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/HeadRotation.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

LogicalResult lowerRope(Operation *op, KernelLibrary &library) {
  auto rope = cast<lm::RopeOp>(op);
  Value out = rope.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, rope.getX(), "x"), y = RowBuffer::get(op, out, "result");
  FailureOr<HeadRotation> rotation = HeadRotation::get(op, rope.getTable(), rope.getPairing(), rope.getHeadDim());
  if (failed(x) || failed(y) || failed(rotation))
    return failure();
  int64_t headDim = rope.getHeadDim(), heads = x->width / headDim;

  std::string name = llvm::formatv("rope_{0}_{1}x{2}_r{3}_x{4}_y{5}", lm::stringifyPairing(rope.getPairing()), heads,
                                   headDim, rotation->tableRow(), x->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value pos = scalars[0], n = scalars[1];
    auto [low, high] = k.share(k.mul(n, heads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, heads), column = k.mul(k.remu(item, heads), headDim);
      rotation->emit(k, pointers[1], k.add(pos, m), k.at(x->row(k, pointers[0], m), k.f32(), column),
                     k.at(y->row(k, pointers[2], m), k.f32(), column));
    });
  };
  return library.call(op, name, {rope.getX(), rope.getTable(), out}, {rope.getPos(), rope.getN()}, body);
}

} // namespace nibble
