//===- JoinedHalves.cpp - both halves of 32 columns side by side ----------===//
//
// See JoinedHalves.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/JoinedHalves.h"

#include "dialects/MPGEMM/ActivationLayout.h"

#include "llvm/ADT/StringRef.h"

#include <algorithm>
#include <utility>

namespace nibble {

static constexpr std::pair<llvm::StringLiteral, int64_t> kJoinsHalves[] = {
#define NIBBLE_JOINS_HALVES(row, largest) {#row, largest},
#include "codegen/Intrinsics/InstructionTable.def"
};

bool joinsHalves(lowbit::BlockType block, const InstructionRow &row, int64_t rows) {
  // A tile alone, and one with a part of the next, may read the panel as it is packed.
  bool isUnpackedAhead = rows > 2 * row.tile;
  bool isJoined = block.isTwoLevel() && 2 * block.getGroup() == mpgemm::ActivationLayout::kSpan;
  if (!isUnpackedAhead || !isJoined || !block.hasIntegers() || block.getCode().stored != lowbit::CodeKind::None)
    return false;
  auto [low, high] = block.getIntegerRange();
  int64_t largest = std::max(-low, high);
  return std::any_of(std::begin(kJoinsHalves), std::end(kJoinsHalves),
                     [&](const auto &entry) { return entry.first == row.name && largest <= entry.second; });
}

} // namespace nibble
