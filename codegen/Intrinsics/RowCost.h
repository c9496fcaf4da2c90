//===- RowCost.h - what a product with a weight costs -------*- C++ -*-===//
//
// The work of a product of one activation row with a packed weight, for each kind
// of kernel: what a choice between them is made with, before any code exists.
//
// Contract: numbers a weight, without what a whole row costs once (quantization,
// tables). They follow from the layout (planes, groups, levels) and from the rows of
// InstructionTable.def; loads, shifts, masks and conversions are counted as the
// kernels of codegen/Lower write them. A register the compiler spills or an
// instruction it saves is not seen.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_INTRINSICS_ROWCOST_H
#define NIBBLE_CODEGEN_INTRINSICS_ROWCOST_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/MPGEMM/PanelLayout.h"

namespace nibble {

struct RowCost {
  double instructions = 0; ///< of the vector unit, all kinds
  double products = 0;     ///< among them: multiplications of codes or floats
  double lookups = 0;      ///< among them: table look-ups and shuffles of bytes
  double bytes = 0;        ///< read of the weight
};

RowCost costOf(const InstructionRow &row, const mpgemm::PanelLayout &layout);

/// Whether products of bytes cost what those of narrower codes do.
bool widthIsFree(const InstructionRow &row);

/// Whether scaled sums of groups below 32 columns are added in f32 (codegen/Lower/MmaKernel.h), of formats with or
/// without integer scales.
bool addsGroupsInFloat(const InstructionRow &row, bool isTwoLevel);

/// Formats with integer scales of groups below 32 columns: those that fold them into bytes, others whose codes are
/// integers, and those whose codes are places of a list.
enum class SuperBlocks { Folded, Integers, Lists };

/// Whether the float scale of a super block of such formats meets the sum of all its columns.
bool scalesSuperBlocks(const InstructionRow &row, SuperBlocks formats);

/// Whether the products of integer minima of up to kLookedUpMinimum with a number are looked up there.
bool looksUpMinima(const InstructionRow &row);
constexpr int64_t kLookedUpMinimum = 15;

} // namespace nibble

#endif // NIBBLE_CODEGEN_INTRINSICS_ROWCOST_H
