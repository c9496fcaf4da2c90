//===- LowerElementwise.cpp - lm.residual, lm.logits, lm.reorder → kernels ===//
//
// What is computed element by element. Of each row, a thread takes a contiguous slice of
// blocks of 32 columns.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// y = x + scale · branch, rounded twice: the product, then the sum.
LogicalResult lowerResidual(Operation *op, KernelLibrary &library) {
  auto residual = cast<lm::ResidualOp>(op);
  Value out = residual.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, residual.getX(), "x"),
                       branch = RowBuffer::get(op, residual.getBranch(), "branch"),
                       y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(branch) || failed(y))
    return failure();
  double scale = residual.getScale().convertToDouble();
  std::string name = llvm::formatv("residual_{0}_x{1}_b{2}_y{3}_s{4}", x->width, x->stride, branch->stride, y->stride,
                                   floatName(scale));
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    forEachOwnPiece(k, scalars[0], x->width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Type type = k.vec(k.f32(), lanes);
      Value base = k.load(type, k.at(x->row(k, pointers[0], m), k.f32(), offset));
      Value added = k.load(type, k.at(branch->row(k, pointers[1], m), k.f32(), offset));
      k.store(k.addf(base, k.mulf(added, k.constant(type, scale))), k.at(y->row(k, pointers[2], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {residual.getX(), residual.getBranch(), out}, {residual.getN()}, body);
}

/// y = c · tanh(scale / c · x), or scale · x.
LogicalResult lowerLogits(Operation *op, KernelLibrary &library) {
  auto logits = cast<lm::LogitsOp>(op);
  Value out = logits.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, logits.getX(), "x"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y))
    return failure();
  double scale = logits.getScale() ? logits.getScale()->convertToDouble() : 1;
  double cap = logits.getSoftcap() ? logits.getSoftcap()->convertToDouble() : 0;
  std::string name = llvm::formatv("logits_{0}_x{1}_y{2}_s{3}_c{4}", x->width, x->stride, y->stride, floatName(scale),
                                   floatName(cap));
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    forEachOwnPiece(k, scalars[0], x->width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Type type = k.vec(k.f32(), lanes);
      Value value = k.load(type, k.at(x->row(k, pointers[0], m), k.f32(), offset));
      if (cap == 0)
        value = k.mulf(value, k.constant(type, scale));
      else
        value = k.mulf(emitTanh(k, k.mulf(value, k.constant(type, scale / cap))), k.constant(type, cap));
      k.store(value, k.at(y->row(k, pointers[1], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {logits.getX(), out}, {logits.getN()}, body);
}

/// y[j] = x[order[j]].
LogicalResult lowerReorder(Operation *op, KernelLibrary &library) {
  auto reorder = cast<lm::ReorderOp>(op);
  Value out = reorder.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, reorder.getX(), "x"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y) || failed(requireContiguous(op, reorder.getOrder(), "order")))
    return failure();
  std::string name = llvm::formatv("reorder_{0}_x{1}_y{2}", x->width, x->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    forEachOwnPiece(k, scalars[0], x->width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Value from = x->row(k, pointers[0], m), to = y->row(k, pointers[2], m);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        Value column = k.add(offset, lane);
        Value source = k.sext(k.load(k.i32(), k.at(pointers[1], k.i32(), column)), k.i64());
        k.store(k.load(k.f32(), k.at(from, k.f32(), source)), k.at(to, k.f32(), column));
      }
    });
  };
  return library.call(op, name, {reorder.getX(), reorder.getOrder(), out}, {reorder.getN()}, body);
}

} // namespace nibble
