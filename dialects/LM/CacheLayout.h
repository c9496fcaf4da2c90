//===- CacheLayout.h - where the bytes of a key-value cache lie -----------===//
//
// The one description of the memory of a cache, for the plan, the kernels and
// the tests. A cache is a memref<layers × kvHeads × positions × headDim>. Its
// heads lie one after the other, layer by layer; a head is a row of blocks of 16
// positions (p0 … p15 below), D = headDim:
//
//   f32, f16     keys      D × 16: dimension by dimension, 16 positions side by side
//                values    16 × D: position by position
//
//   !lm.cached   scales    G × 16 × f16: group by group, 16 positions side by side
//                minima    the same again, only with q4
//                keys      one group after the other; a quad is 4 dimensions:
//                  q8        per quad 64 bytes:    p0 d0 d1 d2 d3, p1 d0 d1 d2 d3, … p15
//                  q4        per 2 quads 64 bytes: the same of quad j in the low nibbles,
//                            and of quad j + (quads of the group)/2 in the high ones
//                values    16 × D codes, position by position, one group after the other:
//                  q8        a byte a dimension
//                  q4        byte j: dimension j in the low nibble, dimension
//                            j + (dimensions of the group)/2 in the high one
//
// The order of keys is the order of a weight panel (mpgemm): products of queries
// with 16 positions are products of a row of activations with a panel of 16 rows.
//
// A group is 16 dimensions with q4, 32 with q8; there the last one is 16 where headDim is
// an odd multiple of 16. Quantized caches take multiples of 16 only.
//
// The cache of a layer that attends to a window of positions is a ring: position
// p lies at place p mod positions. Positions are a multiple of 16 in every cache.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/LM/LM.h"

#include <algorithm>
#include <optional>

namespace nibble::lm {

/// Dimensions of a quantized head are a multiple of it.
inline constexpr int64_t kCacheUnit = 16;

struct CacheLayout {
  int64_t headDim;
  unsigned bits;      ///< of an element or a code
  bool quantized;     ///< scales and codes instead of numbers
  bool rotated;       ///< what is stored is the Hadamard transform
  mlir::Type element; ///< of the memref

  /// No value if the element type is none that a cache can have.
  static std::optional<CacheLayout> get(mlir::MemRefType cache);

  /// Dimensions that share a scale.
  int64_t group() const { return bits == 8 ? 32 : 16; }
  int64_t groups() const { return (headDim + group() - 1) / group(); }
  int64_t groupSize(int64_t index) const { return std::min(group(), headDim - index * group()); }
  /// Whether code 0 stands for a number of the group's own.
  bool hasMinima() const { return quantized && bits == 4; }
  /// Dimensions that a block of the Hadamard matrix turns.
  int64_t rotation() const { return rotated ? headDim & -headDim : 1; }

  /// Of the scales of a block, or of its minima: group by group, 16 × 2 bytes each.
  int64_t scaleBytes() const { return quantized ? groups() * kKeyBlock * 2 : 0; }
  int64_t minimumBytes() const { return hasMinima() ? scaleBytes() : 0; }
  int64_t codeBytes() const { return headDim * bits * kKeyBlock / 8; }
  int64_t blockBytes() const { return scaleBytes() + minimumBytes() + codeBytes(); }
};

/// Bytes of a state: of a cache as above, of other memory its elements.
int64_t bytesOfState(mlir::MemRefType type);

} // namespace nibble::lm
