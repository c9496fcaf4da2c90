//===- LowerQuantize.cpp - quantizations of activations → kernels ---------===//
//
// mpgemm.quantize and what it is fused with: each gives a source of numbers, and Quantizer.h makes codes of them.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/Activation.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/Quantizer.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/RowNorm.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// What a quantization reads: opens rows of the memory behind `pointers`, one for each of its inputs.
using SourceOf = llvm::function_ref<RowSource(KernelBuilder &k, ValueRange pointers)>;

template <typename OpTy> static FailureOr<Quantization> shapeOf(OpTy op, int64_t width) {
  return Quantization::get(op, width, op.getGroup(), op.getSumGroup(), op.getJoinsHalves(), op.getOuts());
}

/// Calls the kernel `name`. `replicated`: each thread makes all codes, for itself.
template <typename OpTy>
static LogicalResult callKernel(OpTy op, KernelLibrary &library, const Quantization &shape, const std::string &name,
                                SmallVector<Value> inputs, SourceOf sourceOf, bool replicated = false) {
  llvm::append_range(inputs, op.getOuts());
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    if (replicated)
      tid = k.i64(0), nthreads = k.i64(1);
    emitQuantization(k, shape, sourceOf(k, pointers), pointers.take_back(3), scalars[0], tid, nthreads);
  };
  return library.call(op, name, inputs, {op.getN()}, body);
}

LogicalResult lowerQuantize(Operation *op, KernelLibrary &library) {
  auto quantize = cast<mpgemm::QuantizeOp>(op);
  FailureOr<RowBuffer> x = RowBuffer::get(op, quantize.getX(), "activations");
  if (failed(x))
    return failure();
  FailureOr<Quantization> shape = shapeOf(quantize, x->width);
  if (failed(shape))
    return failure();
  std::string name = llvm::formatv("quantize_{0}_x{1}", shape->name(), x->stride);
  return callKernel(quantize, library, *shape, name, {quantize.getX()}, [&](KernelBuilder &k, ValueRange pointers) {
    return [&k, &x, from = pointers[0]](Value m) -> RowNumbers {
      Value row = x->row(k, from, m);
      return [&k, row](Value column, int64_t lanes) {
        return k.load(k.vec(k.f32(), lanes), k.at(row, k.f32(), column));
      };
    };
  });
}

LogicalResult lowerNormQuantize(Operation *op, KernelLibrary &library) {
  auto quantize = cast<mpgemm::NormQuantizeOp>(op);
  Value weight = quantize.getWeight(), bias = quantize.getBias();
  FailureOr<RowBuffer> x = RowBuffer::get(op, quantize.getX(), "x");
  FailureOr<NormKind> norm =
      NormKind::get(op, quantize.getCentred(), weight, bias, quantize.getEpsilon().convertToDouble());
  if (failed(x) || failed(norm))
    return failure();
  FailureOr<Quantization> shape = shapeOf(quantize, x->width);
  if (failed(shape))
    return failure();
  std::string name = llvm::formatv("{0}_quantize_{1}_x{2}_{3}_e{4}", norm->name(), shape->name(), x->stride,
                                   typeName(norm->weight), floatName(norm->epsilon));
  SmallVector<Value> inputs = {quantize.getX(), weight};
  if (bias) {
    name += "_b" + typeName(norm->bias);
    inputs.push_back(bias);
  }
  if (quantize.getReplicated())
    name += "_replicated";
  auto sourceOf = [&](KernelBuilder &k, ValueRange pointers) {
    return [&, from = pointers[0], factors = pointers[1], terms = bias ? pointers[2] : Value()](Value m) -> RowNumbers {
      NormedRow row(k, library.target(), *norm, x->row(k, from, m), factors, terms);
      return [row](Value column, int64_t lanes) { return row.load(column, lanes); };
    };
  };
  return callKernel(quantize, library, *shape, name, inputs, sourceOf, quantize.getReplicated());
}

LogicalResult lowerGluQuantize(Operation *op, KernelLibrary &library) {
  auto quantize = cast<mpgemm::GluQuantizeOp>(op);
  FailureOr<RowBuffer> gate = RowBuffer::get(op, quantize.getGate(), "gate"),
                       up = RowBuffer::get(op, quantize.getUp(), "up");
  if (failed(gate) || failed(up))
    return failure();
  FailureOr<Quantization> shape = shapeOf(quantize, gate->width);
  if (failed(shape))
    return failure();
  std::string name = llvm::formatv("glu_quantize_{0}_{1}_g{2}_u{3}", lm::stringifyActivation(quantize.getActivation()),
                                   shape->name(), gate->stride, up->stride);
  auto sourceOf = [&](KernelBuilder &k, ValueRange pointers) {
    Value some = k.stack(k.f32(), shape->mostTogether());
    return [&, some, gateRows = pointers[0], upRows = pointers[1]](Value m) -> RowNumbers {
      Value gates = gate->row(k, gateRows, m), factors = up->row(k, upRows, m);
      return [&k, some, gates, factors, activation = quantize.getActivation()](Value column, int64_t lanes) {
        // 16 lanes at a time, and a loop: the function needs registers of its own, and its constants.
        forEachPiece(k, lanes, [&](Value offset, int64_t count) {
          Type type = k.vec(k.f32(), count);
          auto load = [&](Value row) { return k.load(type, k.at(row, k.f32(), k.add(column, offset))); };
          k.store(k.mulf(emitActivation(k, activation, load(gates)), load(factors)), k.at(some, k.f32(), offset));
        });
        return k.load(k.vec(k.f32(), lanes), some);
      };
    };
  };
  return callKernel(quantize, library, *shape, name, {quantize.getGate(), quantize.getUp()}, sourceOf);
}

} // namespace nibble
