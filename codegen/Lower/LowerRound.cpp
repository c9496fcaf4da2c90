//===- LowerRound.cpp - mpgemm.round → kernel -----------------------------===//
//
// Activations as the nearest f16 or bf16 numbers, kept as f32. Work split: rows.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// The nearest bf16 as f32, ties to even: half a unit is added to the bits that are dropped. In integers, because few
/// CPUs have an instruction for it and LLVM would call a library function elsewhere. A NaN stays as it is.
static Value roundToBF16(KernelBuilder &k, Value x) {
  Value bits = k.bitcast(x, KernelBuilder::withElement(x.getType(), k.i32()));
  Value odd = k.bitAnd(k.shru(bits, 16), 1);
  Value rounded = k.bitAnd(k.add(k.add(bits, 0x7fff), odd), -0x10000);
  return k.select(k.cmp(KernelBuilder::FCmp::UNO, x, x), x, k.bitcast(rounded, x.getType()));
}

LogicalResult lowerRound(Operation *op, KernelLibrary &library) {
  auto round = cast<mpgemm::RoundOp>(op);
  Value out = round.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, round.getX(), "activations"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y))
    return failure();
  bool isHalf = round.getType().isF16();
  std::string name =
      llvm::formatv("round_{0}_{1}_x{2}_y{3}", typeName(round.getType()), x->width, x->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(scalars[0], tid, nthreads);
    k.loop(low, high, 1, [&](Value m) {
      Value from = x->row(k, pointers[0], m), to = y->row(k, pointers[1], m);
      forEachPiece(k, x->width, [&](Value offset, int64_t lanes) {
        Value value = k.load(k.vec(k.f32(), lanes), k.at(from, k.f32(), offset));
        value = isHalf ? k.toFloat(k.toFloat(value, k.f16()), k.f32()) : roundToBF16(k, value);
        k.store(value, k.at(to, k.f32(), offset));
      });
    });
  };
  return library.call(op, name, {round.getX(), out}, {round.getN()}, body);
}

} // namespace nibble
