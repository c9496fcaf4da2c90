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

static Value activate(KernelBuilder &k, lm::Activation activation, Value x) {
  switch (activation) {
  case lm::Activation::SiLU:
    return emitSiLU(k, x);
  case lm::Activation::GELU:
    return emitGELU(k, x);
  case lm::Activation::ReLU2: {
    Value positive = emitGreater(k, x, k.zero(x.getType()));
    return k.mulf(positive, positive);
  }
  }
  return x;
}

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
      k.store(k.mulf(activate(k, glu.getActivation(), x), factor), k.at(y->row(k, pointers[2], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {glu.getGate(), glu.getUp(), out}, {glu.getN()}, body);
}

} // namespace nibble
