//===- ArenaPlan.h - offsets by liveness ----------------------------------===//
//
// Packs values with known lives into one range of bytes: an instance of dynamic storage allocation, which is NP-hard
// (Garey and Johnson, SR2). The planner tries a few orders and then improves the best one with a fixed budget; it stops
// as soon as it meets the lower bound, which for the straight lines of a transformer is nearly always the first try.
//
// Contract: no two ranges that live at once overlap; offsets are multiples of the alignment; equal inputs give equal
// plans on every machine.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace nibble {

/// From the making operation to the last reading one, both inclusive.
struct Life {
  int64_t begin, end;
};

/// A value that needs `size` bytes during its lives. One life is the rule; the arena of a function that is called
/// several times is needed during each call.
struct LiveRange {
  LiveRange() = default;
  LiveRange(int64_t size, int64_t begin, int64_t end) : size(size), lives({{begin, end}}) {}

  int64_t size = 0;
  llvm::SmallVector<Life, 1> lives;
  int64_t offset = 0; ///< filled by planArena
};

/// Sets the offsets and returns the bytes used, a multiple of `alignment`.
int64_t planArena(llvm::MutableArrayRef<LiveRange> ranges, int64_t alignment);

/// The largest sum of sizes that live at once, each rounded up to `alignment`: no plan can be smaller.
int64_t arenaLowerBound(llvm::ArrayRef<LiveRange> ranges, int64_t alignment = 1);

} // namespace nibble
