//===- LowerGlu.cpp - lm.glu, lm.activate → kernels -----------------------===//
//
// y = f(gate) · up and y = f(x). Of each row, a thread takes a contiguous slice of blocks of 32
// columns; the last block may be shorter.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/Activation.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

LogicalResult lowerGlu(Operation *op, KernelLibrary &library) {
  auto glu = cast<lm::GluOp>(op);
  Value out = glu.getOuts().front();
  FailureOr<RowBuffer> gate = RowBuffer::get(op, glu.getGate(), "gate"), up = RowBuffer::get(op, glu.getUp(), "up"),
                       y = RowBuffer::get(op, out, "result");
  if (failed(gate) || failed(up) || failed(y))
    return failure();
  int64_t width = gate->width;

  std::string name = llvm::formatv("glu_{0}_{1}_g{2}_u{3}_y{4}", lm::stringifyActivation(glu.getActivation()), width,
                                   gate->stride, up->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    forEachOwnPiece(k, scalars[0], width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Type type = k.vec(k.f32(), lanes);
      Value x = k.load(type, k.at(gate->row(k, pointers[0], m), k.f32(), offset));
      Value factor = k.load(type, k.at(up->row(k, pointers[1], m), k.f32(), offset));
      k.store(k.mulf(emitActivation(k, glu.getActivation(), x), factor),
              k.at(y->row(k, pointers[2], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {glu.getGate(), glu.getUp(), out}, {glu.getN()}, body);
}

LogicalResult lowerActivate(Operation *op, KernelLibrary &library) {
  auto unit = cast<lm::ActivateOp>(op);
  Value out = unit.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, unit.getX(), "x"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y))
    return failure();
  std::string name = llvm::formatv("activate_{0}_{1}_x{2}_y{3}", lm::stringifyActivation(unit.getActivation()),
                                   x->width, x->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    forEachOwnPiece(k, scalars[0], x->width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Value value = k.load(k.vec(k.f32(), lanes), k.at(x->row(k, pointers[0], m), k.f32(), offset));
      k.store(emitActivation(k, unit.getActivation(), value), k.at(y->row(k, pointers[1], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {unit.getX(), out}, {unit.getN()}, body);
}

} // namespace nibble
