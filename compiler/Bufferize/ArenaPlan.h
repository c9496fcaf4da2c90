//===- ArenaPlan.h - offsets by liveness ----------------------------------===//
//
// Packs values with known lives into one range of bytes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace nibble {

/// A value that needs `size` bytes from the making operation `begin` to the last reading one `end`, both inclusive.
struct LiveRange {
  int64_t size;
  int64_t begin, end;
  int64_t offset = 0; ///< filled by planArena
};

/// Sets the offsets (multiples of `alignment`) so that no two ranges that live at once overlap; returns the bytes used.
/// Largest first, each at the lowest offset that is free during its life.
int64_t planArena(llvm::MutableArrayRef<LiveRange> ranges, int64_t alignment);

/// The largest sum of sizes that live at once: no plan can be smaller.
int64_t arenaLowerBound(llvm::ArrayRef<LiveRange> ranges);

} // namespace nibble
