//===- LowerState.cpp - lm.state_write, lm.state_read, lm.kv_append → kernels ===//
//
// What goes into the memory that lives from call to call, and what comes back. No row
// at or after `n` is ever written to a state.
//
// Layout of a cache of (layers × kvHeads × context × headDim), see lm.state:
//   keys    blocks of 16 positions, each (headDim × 16)
//   values  (context × headDim)
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

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

//===--- the cache ---------------------------------------------------------===//

/// Writes one head's key and value of one position. `keys` and `values` are the base of the head's cache.
static void appendHead(KernelBuilder &k, const TargetInfo &target, Type element, int64_t headDim, Value key,
                       Value value, Value keys, Value values, Value position) {
  Value block = k.divu(position, lm::kKeyBlock), lane = k.remu(position, lm::kKeyBlock);
  Value column = k.at(keys, element, k.add(k.mul(block, lm::kKeyBlock * headDim), lane));
  Value row = k.at(values, element, k.mul(position, headDim));
  forEachPiece(k, headDim, [&](Value offset, int64_t lanes) {
    Type type = k.vec(k.f32(), lanes);
    Value x = roundTo(k, target, k.load(type, k.at(key, k.f32(), offset)), element);
    Value first = k.at(column, element, k.mul(offset, lm::kKeyBlock));
    for (int64_t i = 0; i < lanes; ++i)
      k.store(k.extract(x, i), k.at(first, element, i * lm::kKeyBlock));
    Value y = roundTo(k, target, k.load(type, k.at(value, k.f32(), offset)), element);
    k.store(y, k.at(row, element, offset));
  });
}

LogicalResult lowerKVAppend(Operation *op, KernelLibrary &library) {
  auto append = cast<lm::KVAppendOp>(op);
  FailureOr<RowBuffer> key = RowBuffer::get(op, append.getK(), "k"), value = RowBuffer::get(op, append.getV(), "v");
  if (failed(key) || failed(value) || failed(requireContiguous(op, append.getKeys(), "keys")) ||
      failed(requireContiguous(op, append.getValues(), "values")))
    return failure();
  auto cache = cast<MemRefType>(append.getKeys().getType());
  Type element = cache.getElementType();
  if (element != cast<MemRefType>(append.getValues().getType()).getElementType() ||
      (!element.isF32() && !element.isF16()))
    return op->emitOpError() << "takes a cache of f32 or f16, but found " << cache << " and "
                             << append.getValues().getType();
  int64_t heads = cache.getDimSize(1), context = cache.getDimSize(2), headDim = cache.getDimSize(3);

  std::string name = llvm::formatv("kv_append_{0}x{1}x{2}_k{3}_v{4}_{5}", heads, context, headDim, key->stride,
                                   value->stride, typeName(element));
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value layer = scalars[0], pos = scalars[1], n = scalars[2];
    auto [low, high] = k.share(k.mul(n, heads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, heads), head = k.remu(item, heads);
      Value base = k.mul(k.add(k.mul(layer, heads), head), context * headDim);
      Value column = k.mul(head, headDim);
      appendHead(k, library.target(), element, headDim, k.at(key->row(k, pointers[0], m), k.f32(), column),
                 k.at(value->row(k, pointers[1], m), k.f32(), column), k.at(pointers[2], element, base),
                 k.at(pointers[3], element, base), k.add(pos, m));
    });
  };
  return library.call(op, name, {append.getK(), append.getV(), append.getKeys(), append.getValues()},
                      {append.getLayer(), append.getPos(), append.getN()}, body);
}

} // namespace nibble
