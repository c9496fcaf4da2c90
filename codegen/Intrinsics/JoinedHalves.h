//===- JoinedHalves.h - both halves of 32 columns side by side -*- C++ -*-===//
//
// Which products with many rows read their activations with joined halves (dialects/MPGEMM/ActivationLayout.h): weights
// with integer scales for groups of 16 columns, by rows of NIBBLE_JOINS_HALVES in InstructionTable.def. The
// sums of two groups take one multiplication by scales and no addition then, as those of one group of 32 do.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_INTRINSICS_JOINEDHALVES_H
#define NIBBLE_CODEGEN_INTRINSICS_JOINEDHALVES_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/LowBit/LowBit.h"

namespace nibble {

/// `rows`: of activations, at most.
bool joinsHalves(lowbit::BlockType block, const InstructionRow &row, int64_t rows);

} // namespace nibble

#endif // NIBBLE_CODEGEN_INTRINSICS_JOINEDHALVES_H
