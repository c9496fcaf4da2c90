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

LogicalResult lowerQuantize(Operation *op, KernelLibrary &library) {
  auto quantize = cast<mpgemm::QuantizeOp>(op);
  FailureOr<RowBuffer> x = RowBuffer::get(op, quantize.getX(), "activations");
  if (failed(x))
    return failure();
  FailureOr<Quantization> shape =
      Quantization::get(op, x->width, quantize.getGroup(), quantize.getSumGroup(), quantize.getOuts());
  if (failed(shape))
    return failure();
  std::string name = llvm::formatv("quantize_{0}_x{1}", shape->name(), x->stride);
  SmallVector<Value> buffers = {quantize.getX()};
  llvm::append_range(buffers, quantize.getOuts());
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    RowSource rows = [&](Value m) -> RowNumbers {
      Value row = x->row(k, pointers[0], m);
      return [&k, row](Value column, int64_t lanes) { return k.load(k.vec(k.f32(), lanes), k.at(row, k.f32(), column)); };
    };
    emitQuantization(k, *shape, rows, pointers.take_back(3), scalars[0], tid, nthreads);
  };
  return library.call(op, name, buffers, {quantize.getN()}, body);
}

LogicalResult lowerNormQuantize(Operation *op, KernelLibrary &library) {
  auto quantize = cast<mpgemm::NormQuantizeOp>(op);
  Value weight = quantize.getWeight(), bias = quantize.getBias();
  FailureOr<RowBuffer> x = RowBuffer::get(op, quantize.getX(), "x");
  FailureOr<NormKind> norm =
      NormKind::get(op, quantize.getCentred(), weight, bias, quantize.getEpsilon().convertToDouble());
  if (failed(x) || failed(norm))
    return failure();
  FailureOr<Quantization> shape =
      Quantization::get(op, x->width, quantize.getGroup(), quantize.getSumGroup(), quantize.getOuts());
  if (failed(shape))
    return failure();
  bool replicated = quantize.getReplicated();
  std::string name = llvm::formatv("{0}_quantize_{1}_x{2}_{3}_e{4}", norm->name(), shape->name(), x->stride,
                                   typeName(norm->weight), floatName(norm->epsilon));
  SmallVector<Value> buffers = {quantize.getX(), weight};
  if (bias) {
    name += "_b" + typeName(norm->bias);
    buffers.push_back(bias);
  }
  if (replicated)
    name += "_replicated";
  llvm::append_range(buffers, quantize.getOuts());
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    RowSource rows = [&](Value m) -> RowNumbers {
      NormedRow row(k, library.target(), *norm, x->row(k, pointers[0], m), pointers[1], bias ? pointers[2] : Value());
      return [row](Value column, int64_t lanes) { return row.load(column, lanes); };
    };
    if (replicated)
      tid = k.i64(0), nthreads = k.i64(1);
    emitQuantization(k, *shape, rows, pointers.take_back(3), scalars[0], tid, nthreads);
  };
  return library.call(op, name, buffers, {quantize.getN()}, body);
}

LogicalResult lowerGluQuantize(Operation *op, KernelLibrary &library) {
  auto quantize = cast<mpgemm::GluQuantizeOp>(op);
  FailureOr<RowBuffer> gate = RowBuffer::get(op, quantize.getGate(), "gate"),
                       up = RowBuffer::get(op, quantize.getUp(), "up");
  if (failed(gate) || failed(up))
    return failure();
  FailureOr<Quantization> shape =
      Quantization::get(op, gate->width, quantize.getGroup(), quantize.getSumGroup(), quantize.getOuts());
  if (failed(shape))
    return failure();
  std::string name = llvm::formatv("glu_quantize_{0}_{1}_g{2}_u{3}", lm::stringifyActivation(quantize.getActivation()),
                                   shape->name(), gate->stride, up->stride);
  SmallVector<Value> buffers = {quantize.getGate(), quantize.getUp()};
  llvm::append_range(buffers, quantize.getOuts());
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    RowSource rows = [&](Value m) -> RowNumbers {
      Value gates = gate->row(k, pointers[0], m), factors = up->row(k, pointers[1], m);
      return [&k, gates, factors, activation = quantize.getActivation()](Value column, int64_t lanes) {
        Value result; // 16 lanes at a time: the function needs registers of its own
        for (Piece piece : piecesOf(lanes)) {
          Value place = k.add(column, piece.offset);
          auto load = [&](Value row) { return k.load(k.vec(k.f32(), piece.lanes), k.at(row, k.f32(), place)); };
          Value part = k.mulf(emitActivation(k, activation, load(gates)), load(factors));
          result = result ? k.concat(result, part) : part;
        }
        return result;
      };
    };
    emitQuantization(k, *shape, rows, pointers.take_back(3), scalars[0], tid, nthreads);
  };
  return library.call(op, name, buffers, {quantize.getN()}, body);
}

} // namespace nibble
