//===- LowerState.cpp - lm.state_write, lm.state_read → kernels -----------===//
//
// Rows that live from call to call. No row at or after `n` is ever written to a state.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

static void copyRow(KernelBuilder &k, Value from, Value to, int64_t width) {
  forEachPiece(k, width, [&](Value offset, int64_t lanes) {
    Value value = k.load(k.vec(k.f32(), lanes), k.at(from, k.f32(), offset));
    k.store(value, k.at(to, k.f32(), offset));
  });
}

LogicalResult lowerStateWrite(Operation *op, KernelLibrary &library) {
  auto write = cast<lm::StateWriteOp>(op);
  FailureOr<RowBuffer> x = RowBuffer::get(op, write.getX(), "x"), state = RowBuffer::get(op, write.getState(), "state");
  if (failed(x) || failed(state))
    return failure();
  std::string name = llvm::formatv("state_write_{0}_x{1}_s{2}", x->width, x->stride, state->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(scalars[0], tid, nthreads);
    k.loop(low, high, 1,
           [&](Value m) { copyRow(k, x->row(k, pointers[0], m), state->row(k, pointers[1], m), x->width); });
  };
  return library.call(op, name, {write.getX(), write.getState()}, {write.getN()}, body);
}

LogicalResult lowerStateRead(Operation *op, KernelLibrary &library) {
  auto read = cast<lm::StateReadOp>(op);
  Value out = read.getOuts().front();
  FailureOr<RowBuffer> state = RowBuffer::get(op, read.getState(), "state"), y = RowBuffer::get(op, out, "result");
  if (failed(state) || failed(y))
    return failure();
  std::string name = llvm::formatv("state_read_{0}_s{1}", state->width, state->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(k.i64(1), tid, nthreads);
    k.loop(low, high, 1, [&](Value) { copyRow(k, state->row(k, pointers[0], scalars[0]), pointers[1], state->width); });
  };
  return library.call(op, name, {read.getState(), out}, {read.getRow()}, body);
}

} // namespace nibble
