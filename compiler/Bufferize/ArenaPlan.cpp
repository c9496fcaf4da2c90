//===- ArenaPlan.cpp - offsets by liveness --------------------------------===//
#include "compiler/Bufferize/ArenaPlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

namespace nibble {

static bool liveAtOnce(const LiveRange &a, const LiveRange &b) { return a.begin <= b.end && b.begin <= a.end; }

int64_t planArena(llvm::MutableArrayRef<LiveRange> ranges, int64_t alignment) {
  llvm::SmallVector<LiveRange *> order;
  for (LiveRange &range : ranges)
    order.push_back(&range);
  // The address breaks ties: ranges lie in one array, in the order of the program.
  llvm::sort(order, [](const LiveRange *a, const LiveRange *b) { return a->size != b->size ? a->size > b->size : a < b; });

  int64_t total = 0;
  llvm::SmallVector<LiveRange *> placed; // by offset
  for (LiveRange *range : order) {
    int64_t offset = 0;
    for (const LiveRange *other : placed) {
      if (!liveAtOnce(*range, *other))
        continue;
      if (other->offset >= offset + range->size)
        break; // it fits into the gap before this one
      offset = std::max<int64_t>(offset, llvm::alignTo(other->offset + other->size, alignment));
    }
    range->offset = offset;
    total = std::max<int64_t>(total, llvm::alignTo(offset + range->size, alignment));
    placed.insert(llvm::upper_bound(placed, range, [](const LiveRange *a, const LiveRange *b) {
                    return a->offset < b->offset;
                  }), range);
  }
  return total;
}

int64_t arenaLowerBound(llvm::ArrayRef<LiveRange> ranges) {
  int64_t bound = 0;
  for (const LiveRange &at : ranges) {
    int64_t live = 0;
    for (const LiveRange &range : ranges)
      if (range.begin <= at.begin && at.begin <= range.end)
        live += range.size;
    bound = std::max(bound, live);
  }
  return bound;
}

} // namespace nibble
