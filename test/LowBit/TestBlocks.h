//===- TestBlocks.h - blocks of a format for tests -----------------------===//
//
// Blocks of pseudo-random bytes with chosen scales: ordinary, negative, zero,
// denormal, largest, infinity, NaN. ggml_compare.cpp feeds the same blocks to
// ggml, so this must stay as it is.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_TEST_LOWBIT_TESTBLOCKS_H
#define NIBBLE_TEST_LOWBIT_TESTBLOCKS_H

#include "dialects/LowBit/Formats.h"

#include <cmath>
#include <vector>

namespace nibble::test {

/// Writes the bits of float `index` of a block, which the fields place.
inline void storeFloat(llvm::ArrayRef<lowbit::BitField> fields, uint8_t *block,
                       unsigned index, uint32_t bits) {
  for (const lowbit::BitField &field : fields)
    for (unsigned bit = 0; bit < field.width; ++bit) {
      unsigned at = field.at + index * field.steps[0].bits + bit;
      uint8_t mask = uint8_t(1u << at % 8);
      bool isSet = bits >> (field.toBit + bit) & 1;
      block[at / 8] = uint8_t(isSet ? block[at / 8] | mask
                                    : block[at / 8] & ~mask);
    }
}

inline uint32_t oddScale(FloatKind kind, unsigned choice) {
  // Ordinary, negative, +0, -0, denormal, largest, infinity, NaN.
  static const uint16_t halves[8] = {0x2e66, 0xb801, 0x0000, 0x8000,
                                     0x0003, 0x7bff, 0x7c00, 0x7e05};
  static const uint8_t exponents[8] = {0x78, 0x82, 0, 1, 2, 0xfe, 0xff, 0x7f};
  static const uint8_t smallFloats[8] = {0x38, 0x41, 0,    1,
                                         7,    0x7e, 0x7f, 0xff};
  switch (kind) {
  case FloatKind::F32:
    return std::bit_cast<uint32_t>(halfToFloat(halves[choice % 8]));
  case FloatKind::E8M0:
    return exponents[choice % 8];
  case FloatKind::UE4M3:
    return smallFloats[choice % 8];
  default:
    return halves[choice % 8];
  }
}

/// `blocks` blocks of pseudo-random bytes from the seed, with odd scales.
inline std::vector<uint8_t> testBlocks(const lowbit::Format &format,
                                       size_t blocks, uint32_t seed) {
  std::vector<uint8_t> bytes(blocks * format.blockBytes);
  for (uint8_t &byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = uint8_t(seed >> 24);
  }
  for (size_t block = 0; !format.isFloat && block < blocks; ++block)
    for (unsigned scale = 0; scale < format.scalesPerBlock(); ++scale) {
      uint8_t *start = &bytes[block * format.blockBytes];
      storeFloat(format.scale, start, scale,
                 oddScale(format.floatKind, unsigned(block) + scale));
      storeFloat(format.min, start, scale,
                 oddScale(format.floatKind, unsigned(block) * 3 + scale));
    }
  return bytes;
}

/// FNV-1a over all values' bits, every NaN as the same one.
inline uint64_t hashOf(llvm::ArrayRef<float> values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (float value : values) {
    uint32_t bits = std::isnan(value) ? 0x7fc00000u
                                      : std::bit_cast<uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte)
      hash = (hash ^ (bits >> 8 * byte & 0xff)) * 0x100000001b3;
  }
  return hash;
}

} // namespace nibble::test

#endif // NIBBLE_TEST_LOWBIT_TESTBLOCKS_H
