//===- CacheCodec.h - numbers to and from a quantized cache ----*- C++ -*-===//
//
// What the kernels of lm.kv_append and lm.attention share: the rotation by a
// Hadamard matrix, the codes and scales of a vector of a head, and queries as
// 8-bit codes. What the numbers mean is said in !lm.cached, where they lie in
// dialects/LM/CacheLayout.h.
//
// Contract: vectors of headDim f32 in memory, headDim a multiple of 16. All
// arithmetic is in f32 in a fixed order, so equal vectors give equal bytes.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_CACHECODEC_H
#define NIBBLE_CODEGEN_LOWER_CACHECODEC_H

#include "codegen/Lower/KernelBuilder.h"
#include "dialects/LM/CacheLayout.h"

#include <string>

namespace nibble {

struct TargetInfo;

/// "q8" of !lm.cached<q8>, "f16": a cache's element as part of a kernel's name.
std::string cacheName(const lm::CacheLayout &layout);

class CacheCodec {
public:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;

  CacheCodec(KernelBuilder &k, const TargetInfo &target, const lm::CacheLayout &layout)
      : k(k), target(target), layout(layout) {}

  /// Multiplies the vector at `pointer` with the orthonormal Hadamard matrix of the layout (its own inverse).
  void rotate(Value pointer) const;

  /// Stores the vector as the key or the value of position `lane` of the block at `block`.
  void storeKey(Value vector, Value block, Value lane) const;
  void storeValue(Value vector, Value block, Value lane) const;

  /// A query as 8-bit codes: in each group of the keys q = round(x / s), halves to even, s = max |x| / 127. Stores
  /// headDim codes, a scale (f32) and a sum of codes (i32) a group.
  void quantizeQuery(Value vector, Value codes, Value scales, Value sums) const;

  /// Codes of 16 dimensions of a value, from `offset` (a multiple of 16) on, as f32; `codes`: of its position.
  Value loadValueCodes(Value codes, int64_t offset) const;
  /// Bytes from the codes of a position's value to the next.
  int64_t valueStride() const { return layout.headDim * layout.bits / 8; }
  /// Pointer to the 16 scales of a group in a block, to its minima, and to the codes.
  Value scalesOf(Value block, Value group) const;
  Value minimaOf(Value block, Value group) const { return k.offset(scalesOf(block, group), layout.scaleBytes()); }
  Value codesOf(Value block) const { return k.offset(block, layout.scaleBytes() + layout.minimumBytes()); }

private:
  /// What becomes of one group: scale and minimum as f16 (no minimum with q8), and codes as i32, 16 a vector.
  struct Group {
    Value scale, minimum;
    Values codes;
  };
  /// A number rounded to f16, and that as f32.
  struct Half {
    Value bits, number;
  };
  Half roundToHalf(Value x) const;
  Group quantize(Value vector, int64_t group) const;
  Group quantizeTo8Bits(mlir::ValueRange numbers) const;
  Group quantizeTo4Bits(Value numbers) const;
  Value inverseOf(Value scale) const;
  Value codesOf(Value numbers, Value inverse, int64_t low, int64_t high) const;
  /// The codes of a group as bytes in the order of storage: q8 16 a vector, q4 two codes a byte.
  Values pack(const Group &group) const;
  Value clamp(Value x, int64_t low, int64_t high) const;
  Value greatest(mlir::ValueRange vectors) const;
  Values loadGroup(Value vector, int64_t group) const;
  void storeScale(const Group &quantized, Value block, int64_t group, Value lane) const;

  KernelBuilder &k;
  const TargetInfo &target;
  const lm::CacheLayout &layout;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_CACHECODEC_H
