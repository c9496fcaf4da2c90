//===- FoldedScales.cpp - bytes of numbers times integer scales -----------===//
//
// See FoldedScales.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/FoldedScales.h"

#include "codegen/Intrinsics/RowCost.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include <algorithm>
#include <limits>

namespace nibble {

/// Longest super block that is unpacked as a whole.
constexpr int64_t kMostSuperBlock = 512;

/// The range of numbers times integer scales.
static std::pair<int64_t, int64_t> productsOf(lowbit::BlockType block) {
  auto [low, high] = block.getIntegerRange();
  const lowbit::IntegerKind &scale = block.getScale().sub;
  return std::minmax({low * scale.min(), low * scale.max(), high * scale.min(), high * scale.max()});
}

static bool hasSmallGroups(lowbit::BlockType block) {
  return !block.hasWholeRows() && block.getGroup() < mpgemm::kActivationGroup;
}

std::optional<FoldedScales> foldedScales(lowbit::BlockType block, const InstructionRow &row) {
  bool isStored = block.getCode().stored != lowbit::CodeKind::None;
  if (!block.isTwoLevel() || !hasSmallGroups(block) || isStored || !widthIsFree(row))
    return std::nullopt;
  constexpr int64_t kLow = std::numeric_limits<int8_t>::min(), kHigh = std::numeric_limits<int8_t>::max();
  auto [low, high] = productsOf(block);
  if (kLow <= low && high <= kHigh)
    return FoldedScales{1, low, high};
  if (kLow <= -high && -low <= kHigh)
    return FoldedScales{-1, -high, -low};
  return std::nullopt;
}

bool addsGroupsInFloat(lowbit::BlockType block, const InstructionRow &row) {
  return addsGroupsInFloat(row, block.isTwoLevel()) && hasSmallGroups(block) && !foldedScales(block, row);
}

bool scalesSuperBlocks(lowbit::BlockType block, const InstructionRow &row) {
  SuperBlocks format = foldedScales(block, row)      ? SuperBlocks::Folded
                       : block.getCode().isInteger() ? SuperBlocks::Integers
                                                     : SuperBlocks::Lists;
  return scalesSuperBlocks(row, format) && block.isTwoLevel() && hasSmallGroups(block) &&
         block.getScale().superGroup <= kMostSuperBlock;
}

bool looksUpMinima(lowbit::BlockType block, const InstructionRow &row) {
  if (!looksUpMinima(row) || !block.hasMin() || !scalesSuperBlocks(block, row))
    return false;
  const lowbit::IntegerKind &minimum = block.getZero().min.sub;
  return minimum.min() >= 0 && minimum.max() <= kLookedUpMinimum;
}

} // namespace nibble
