//===- FoldedScales.h - bytes of numbers times integer scales --*- C++ -*-===//
//
// Where a byte holds every product of a number and an integer scale of the format (Q2_K: 0 … 3 times 0 … 15) or minus
// every one (Q3_K: -4 … 3 times -32 … 31, with minus the float scale), and the row multiplies bytes at the cost of
// narrower codes, that product is unpacked ahead of many rows (PanelUnpacker.h): the kernel's integer sum of 32 columns
// is the same number, and no sum of a smaller group is to be scaled.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_FOLDEDSCALES_H
#define NIBBLE_CODEGEN_LOWER_FOLDEDSCALES_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/LowBit/LowBit.h"

#include <optional>

namespace nibble {

struct FoldedScales {
  int64_t factor;    ///< what bytes are numbers times, beside their integer scale: 1 or -1
  int64_t low, high; ///< the smallest and the largest byte
};

/// None where integer scales are not folded: of groups of 32 columns and more nothing is saved.
std::optional<FoldedScales> foldedScales(lowbit::BlockType block, const InstructionRow &row);

/// Whether the row adds scaled sums of such a format's groups in f32 (MmaKernel.h).
bool addsGroupsInFloat(lowbit::BlockType block, const InstructionRow &row);

/// Whether it multiplies the sum of such a format's super block by the float scale, at its end.
bool scalesSuperBlocks(lowbit::BlockType block, const InstructionRow &row);

/// Whether integer minima of such a super block are added, times the scaled sums of activations, before they meet their
/// float scale (MmaKernel.h).
bool looksUpMinima(lowbit::BlockType block, const InstructionRow &row);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_FOLDEDSCALES_H
