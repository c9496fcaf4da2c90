//===- CacheWriter.cpp - a key and a value into the cache -----------------===//
//
// See CacheWriter.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CacheWriter.h"

#include "codegen/Lower/CacheCodec.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

FailureOr<CacheShape> CacheShape::get(Operation *op, Value keys, Value values, Value table,
                                      std::optional<lm::Pairing> pairing) {
  if (failed(requireContiguous(op, keys, "keys")) || failed(requireContiguous(op, values, "values")))
    return failure();
  auto type = cast<MemRefType>(keys.getType());
  CacheShape shape{type.getDimSize(1), type.getDimSize(2), type.getDimSize(3), *lm::CacheLayout::get(type),
                   *lm::CacheLayout::get(cast<MemRefType>(values.getType())), {}};
  if (!table)
    return shape;
  FailureOr<HeadRotation> rotation = HeadRotation::get(op, table, *pairing, shape.headDim);
  if (failed(rotation))
    return failure();
  shape.rotation = *rotation;
  return shape;
}

std::string CacheShape::name() const {
  std::string text =
      llvm::formatv("{0}x{1}x{2}_{3}_{4}", heads, positions, headDim, cacheName(keys), cacheName(values));
  return rotation ? text + "_rope_" + rotation->name() : text;
}

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
  Value slot = k.remu(place.position, shape.positions), lane = k.remu(slot, lm::kKeyBlock);
  Value head = k.add(k.mul(place.layer, shape.heads), place.head);
  Value block = k.add(k.mul(head, shape.positions / lm::kKeyBlock), k.divu(slot, lm::kKeyBlock));
  if (shape.rotation) {
    shape.rotation->emit(k, table, place.position, key, scratch);
    key = scratch;
  }
  store(shape.keys, /*isKey=*/true, key, k.offset(keys, k.mul(block, shape.keys.blockBytes())), lane);
  store(shape.values, /*isKey=*/false, value, k.offset(values, k.mul(block, shape.values.blockBytes())), lane);
}

} // namespace nibble
