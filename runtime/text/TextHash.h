//===- TextHash.h - the hashes of the tokenizer's tables ---------*- C++ -*-===//
//
// Compiler and runtime must agree on these to the bit; both machines of a build
// are little-endian. The multiplier is 2^64 / golden ratio; the upper half of a
// product is its well-mixed half.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nibble::rt {

inline constexpr uint32_t EmptySlot = 0xFFFFFFFF;

inline uint64_t mixHash(uint64_t value) {
  value *= 0x9E3779B97F4A7C15u;
  return value ^ value >> 32;
}

inline uint32_t hashBytes(const char *bytes, size_t size) {
  uint64_t state = size;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    state = mixHash(state ^ word);
  }
  uint64_t word = 0;
  for (size_t i = 0; i < size; ++i)
    word |= uint64_t(uint8_t(bytes[i])) << (8 * i);
  return uint32_t(mixHash(mixHash(state ^ word)));
}

inline uint32_t hashPair(uint32_t left, uint32_t right) {
  return uint32_t(mixHash(mixHash(uint64_t(left) << 32 | right)));
}

} // namespace nibble::rt
