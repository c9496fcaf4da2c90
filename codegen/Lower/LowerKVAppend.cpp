//===- LowerKVAppend.cpp - lm.kv_append → kernel --------------------------===//
//
// Keys and values of new positions go into the cache: CacheWriter.h. No row at or after `n` is written.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CacheWriter.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

LogicalResult lowerKVAppend(Operation *op, KernelLibrary &library) {
  auto append = cast<lm::KVAppendOp>(op);
  FailureOr<RowBuffer> key = RowBuffer::get(op, append.getK(), "k"), value = RowBuffer::get(op, append.getV(), "v");
  FailureOr<CacheShape> shape =
      CacheShape::get(op, append.getKeys(), append.getValues(), append.getTable(), append.getPairing());
  if (failed(key) || failed(value) || failed(shape))
    return failure();
  SmallVector<Value> buffers = {append.getK(), append.getV(), append.getKeys(), append.getValues()};
  if (append.getTable())
    buffers.push_back(append.getTable());

  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value layer = scalars[0], pos = scalars[1], n = scalars[2];
    Value scratch =
        LLVM::AllocaOp::create(k.builder(), k.location(), k.ptr(), k.f32(), k.i64(shape->headDim), /*alignment=*/64);
    CacheWriter writer{k,           library.target(), *shape, pointers[2],
                       pointers[3], shape->rotation ? pointers[4] : Value(), scratch};
    auto [low, high] = k.share(k.mul(n, shape->heads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, shape->heads), head = k.remu(item, shape->heads), column = k.mul(head, shape->headDim);
      writer.write({layer, head, k.add(pos, m)}, k.at(key->row(k, pointers[0], m), k.f32(), column),
                   k.at(value->row(k, pointers[1], m), k.f32(), column));
    });
  };
  std::string name = llvm::formatv("kv_append_{0}_k{1}_v{2}", shape->name(), key->stride, value->stride);
  return library.call(op, name, buffers, {append.getLayer(), append.getPos(), append.getN()}, body);
}

} // namespace nibble
