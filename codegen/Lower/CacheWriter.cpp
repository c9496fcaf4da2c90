//===- CacheWriter.cpp - a key and a value into the cache -----------------===//
//
// See CacheWriter.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CacheWriter.h"

#include "codegen/Lower/CacheCodec.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

using namespace mlir;

namespace nibble {

void CacheWriter::store(const lm::CacheLayout &layout, bool isKey, Value from, Value block, Value lane) const {
  if (layout.quantized) {
    CacheCodec codec(k, target, layout);
    if (layout.rotated) {
      if (from != scratch)
        forEachPiece(k, layout.headDim, [&](Value offset, int64_t lanes) {
          k.store(k.load(k.vec(k.f32(), lanes), k.at(from, k.f32(), offset)), k.at(scratch, k.f32(), offset));
        });
      codec.rotate(scratch);
      from = scratch;
    }
    return isKey ? codec.storeKey(from, block, lane) : codec.storeValue(from, block, lane);
  }
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

void CacheWriter::write(CachePlace place, Value key, Value value) const {
  Value lane = k.remu(place.position, lm::kKeyBlock); // whose multiple the cache's positions are
  auto blockOf = [&](const lm::CacheLayout &layout, Value base) {
    return shape.blockOf(k, layout, shape.headOf(k, layout, base, place.layer, place.head), place.position);
  };
  if (rotation) {
    rotation->emit(k, table, place.position, key, scratch);
    key = scratch;
  }
  store(shape.keys, /*isKey=*/true, key, blockOf(shape.keys, keys), lane);
  store(shape.values, /*isKey=*/false, value, blockOf(shape.values, values), lane);
}

} // namespace nibble
