//===- LowerKVAppend.cpp - lm.kv_append → kernel --------------------------===//
//
// Keys and values of new positions go into the cache: CacheWriter.h. No row at or after `n` is written.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CacheWriter.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

LogicalResult lowerKVAppend(Operation *op, KernelLibrary &library) {
  auto append = cast<lm::KVAppendOp>(op);
  FailureOr<RowBuffer> key = RowBuffer::get(op, append.getK(), "k"), value = RowBuffer::get(op, append.getV(), "v");
  FailureOr<CacheShape> shape = CacheShape::get(op, append.getKeys(), append.getValues());
  if (failed(key) || failed(value) || failed(shape))
    return failure();
  auto rotation = HeadRotation::ofClause(op, append.getTable(), append.getPairing(), shape->headDim);
  if (failed(rotation))
    return failure();
  std::string name = "kv_append_" + shape->name();
  SmallVector<Value> buffers = {append.getK(), append.getV(), append.getKeys(), append.getValues()};
  if (*rotation) {
    name += "_rope_" + (*rotation)->name();
    buffers.push_back(append.getTable());
  }

  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value layer = scalars[0], pos = scalars[1], n = scalars[2];
    Value table = *rotation ? pointers[4] : Value(), scratch = k.stack(k.f32(), shape->headDim);
    CacheWriter writer{k, library.target(), *shape, *rotation, pointers[2], pointers[3], table, scratch};
    auto [low, high] = k.share(k.mul(n, shape->kvHeads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, shape->kvHeads), head = k.remu(item, shape->kvHeads);
      Value column = k.mul(head, shape->headDim);
      writer.write({layer, head, k.add(pos, m)}, k.at(key->row(k, pointers[0], m), k.f32(), column),
                   k.at(value->row(k, pointers[1], m), k.f32(), column));
    });
  };
  name += llvm::formatv("_k{0}_v{1}", key->stride, value->stride).str();
  return library.call(op, name, buffers, {append.getLayer(), append.getPos(), append.getN()}, body);
}

} // namespace nibble
