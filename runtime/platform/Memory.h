//===- Memory.h - the one block of memory ------------------------*- C++ -*-===//
//
// What:  one anonymous mapping from which all buffers of the program are carved,
//        and the process's peak resident size.
// Why:   the memory plan is exact when there is exactly one allocation.
// Contract: a fresh block is zero. carve() keeps the order and alignment that
//        MemoryPlan counted with and aborts on a request beyond the block: the
//        plan is then wrong, which is a defect.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/platform/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble::rt {

/// Buffers begin on cache-line pairs, so that none shares a line with a neighbour.
inline constexpr size_t CarveAlignment = 128;

inline constexpr size_t alignTo(size_t size, size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

class Block {
public:
  Status map(size_t size);
  void unmap();

  uint8_t *carveBytes(size_t size, size_t alignment = CarveAlignment);

  template <typename T> std::span<T> carve(size_t count) {
    return {reinterpret_cast<T *>(carveBytes(count * sizeof(T))), count};
  }

  size_t size() const { return capacity; }
  size_t used() const { return offset; }

private:
  uint8_t *base = nullptr;
  size_t capacity = 0, offset = 0;
};

/// Peak resident set of this process in bytes (VmHWM), 0 if the system does not tell.
uint64_t peakResidentBytes();

} // namespace nibble::rt
