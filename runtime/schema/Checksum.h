//===- Checksum.h - the 64-bit checksum of artifacts -------------*- C++ -*-===//
//
// What:  a streaming 64-bit checksum of bytes (not cryptographic).
// Why:   weights run to gigabytes; four independent multiply lanes keep up with
//        memory, and the value does not depend on how the bytes were cut.
// Contract: checksum64(x) == feeding x to Checksum64 in any pieces. Defined as:
//        32-byte blocks, word i of a block goes to lane i:
//          lane = rotl(lane + word * P2, 31) * P1
//        the tail is padded with zero bytes to a block; then the lanes and the
//        length are folded and mixed by the finaliser of splitmix64.
//        P1 and P2 are odd 64-bit constants with balanced bits: 2^64/phi, the
//        golden-ratio increment of splitmix64, and its first multiplier.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nibble::schema {

class Checksum64 {
public:
  void update(const void *data, size_t size) {
    if (!size)
      return;
    const auto *bytes = static_cast<const uint8_t *>(data);
    length += size;
    if (pendingSize) {
      size_t take = BlockSize - pendingSize < size ? BlockSize - pendingSize : size;
      std::memcpy(pending + pendingSize, bytes, take);
      pendingSize += take;
      bytes += take;
      size -= take;
      if (pendingSize < BlockSize)
        return;
      block(pending);
      pendingSize = 0;
    }
    for (; size >= BlockSize; bytes += BlockSize, size -= BlockSize)
      block(bytes);
    if (size)
      std::memcpy(pending, bytes, size);
    pendingSize = size;
  }

  /// The checksum of everything so far; does not end the stream.
  uint64_t value() const {
    Checksum64 last = *this;
    if (last.pendingSize) {
      std::memset(last.pending + last.pendingSize, 0, BlockSize - last.pendingSize);
      last.block(last.pending);
    }
    uint64_t hash = length;
    for (uint64_t lane : last.lanes)
      hash = mix(hash * P1 + lane);
    return hash;
  }

private:
  static constexpr size_t BlockSize = 32;
  static constexpr uint64_t P1 = 0x9E3779B97F4A7C15, P2 = 0xBF58476D1CE4E5B9;

  static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }
  void block(const uint8_t *bytes) {
    for (int i = 0; i < 4; ++i) {
      uint64_t word;
      std::memcpy(&word, bytes + 8 * i, 8);
      uint64_t x = lanes[i] + word * P2;
      lanes[i] = ((x << 31) | (x >> 33)) * P1;
    }
  }

  uint64_t lanes[4] = {1, 2, 3, 4};
  uint64_t length = 0;
  uint8_t pending[BlockSize] = {};
  size_t pendingSize = 0;
};

inline uint64_t checksum64(const void *data, size_t size) {
  Checksum64 sum;
  sum.update(data, size);
  return sum.value();
}

} // namespace nibble::schema
