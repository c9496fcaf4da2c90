//===- CacheLayout.cpp - where the bytes of a key-value cache lie ---------===//
//
// See CacheLayout.h.
//
//===----------------------------------------------------------------------===//
#include "dialects/LM/CacheLayout.h"

using namespace mlir;

namespace nibble::lm {

std::optional<CacheLayout> CacheLayout::get(MemRefType cache) {
  int64_t headDim = cache.getShape().back();
  Type element = cache.getElementType();
  if (auto cached = dyn_cast<CachedType>(element)) {
    bool isQ8 = cached.getFormat() == CacheFormat::Q8;
    return CacheLayout{headDim, isQ8 ? 8u : 4u, true, cached.getFormat() == CacheFormat::Q4, element};
  }
  if (!element.isF16() && !element.isF32())
    return std::nullopt;
  return CacheLayout{headDim, element.getIntOrFloatBitWidth(), false, false, element};
}

int64_t bytesOfState(MemRefType type) {
  if (!isa<CachedType>(type.getElementType()))
    return llvm::divideCeil(type.getNumElements() * type.getElementTypeBitWidth(), 8);
  int64_t vectors = type.getNumElements() / type.getShape().back();
  return vectors / kKeyBlock * CacheLayout::get(type)->blockBytes();
}

} // namespace nibble::lm
