//===- LowerKVAppend.cpp - lm.kv_append → kernel --------------------------===//
//
// Keys and values of new positions go into the cache, in the types and at the places of dialects/LM/CacheLayout.h. No
// row at or after `n` is written.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CacheCodec.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

namespace {

/// Stores one vector of a head in a block; `block` and `lane` are the place of its position.
struct VectorStore {
  KernelBuilder &k;
  const TargetInfo &target;
  const lm::CacheLayout &layout;
  bool isKey;
  Value scratch; ///< headDim × f32, for quantized caches

  void emit(Value from, Value block, Value lane) const {
    if (layout.quantized)
      return quantize(from, block, lane);
    Type element = layout.element;
    forEachPiece(k, layout.headDim, [&](Value offset, int64_t lanes) {
      Value x = roundTo(k, target, k.load(k.vec(k.f32(), lanes), k.at(from, k.f32(), offset)), element);
      if (!isKey)
        return k.store(x, k.at(block, element, k.add(k.mul(lane, layout.headDim), offset)));
      Value first = k.at(block, element, k.add(k.mul(offset, lm::kKeyBlock), lane));
      for (int64_t i = 0; i < lanes; ++i)
        k.store(k.extract(x, i), k.at(first, element, i * lm::kKeyBlock));
    });
  }

  void quantize(Value from, Value block, Value lane) const {
    CacheCodec codec(k, target, layout);
    if (layout.rotated) {
      forEachPiece(k, layout.headDim, [&](Value offset, int64_t lanes) {
        k.store(k.load(k.vec(k.f32(), lanes), k.at(from, k.f32(), offset)), k.at(scratch, k.f32(), offset));
      });
      codec.rotate(scratch);
      from = scratch;
    }
    if (isKey)
      codec.storeKey(from, block, lane);
    else
      codec.storeValue(from, block, lane);
  }
};

} // namespace

LogicalResult lowerKVAppend(Operation *op, KernelLibrary &library) {
  auto append = cast<lm::KVAppendOp>(op);
  FailureOr<RowBuffer> key = RowBuffer::get(op, append.getK(), "k"), value = RowBuffer::get(op, append.getV(), "v");
  if (failed(key) || failed(value) || failed(requireContiguous(op, append.getKeys(), "keys")) ||
      failed(requireContiguous(op, append.getValues(), "values")))
    return failure();
  auto cache = cast<MemRefType>(append.getKeys().getType());
  int64_t heads = cache.getDimSize(1), positions = cache.getDimSize(2), headDim = cache.getDimSize(3);
  lm::CacheLayout layouts[] = {*lm::CacheLayout::get(cache),
                               *lm::CacheLayout::get(cast<MemRefType>(append.getValues().getType()))};

  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value layer = scalars[0], pos = scalars[1], n = scalars[2];
    Value scratch =
        LLVM::AllocaOp::create(k.builder(), k.location(), k.ptr(), k.f32(), k.i64(headDim), /*alignment=*/64);
    auto [low, high] = k.share(k.mul(n, heads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, heads), head = k.remu(item, heads), column = k.mul(head, headDim);
      Value place = k.remu(k.add(pos, m), positions), lane = k.remu(place, lm::kKeyBlock);
      Value block = k.add(k.mul(k.add(k.mul(layer, heads), head), positions / lm::kKeyBlock),
                          k.divu(place, lm::kKeyBlock));
      for (unsigned i : {0u, 1u}) {
        const RowBuffer &rows = i == 0 ? *key : *value;
        VectorStore{k, library.target(), layouts[i], i == 0, scratch}.emit(
            k.at(rows.row(k, pointers[i], m), k.f32(), column),
            k.offset(pointers[2 + i], k.mul(block, layouts[i].blockBytes())), lane);
      }
    });
  };
  std::string name = llvm::formatv("kv_append_{0}x{1}x{2}_k{3}_v{4}_{5}_{6}", heads, positions, headDim, key->stride,
                                   value->stride, cacheName(layouts[0]), cacheName(layouts[1]));
  return library.call(op, name, {append.getK(), append.getV(), append.getKeys(), append.getValues()},
                      {append.getLayer(), append.getPos(), append.getN()}, body);
}

} // namespace nibble
