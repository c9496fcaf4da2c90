//===- HandOut.h - dividing panels and items among threads -----*- C++ -*-===//
//
// Equal shares are right for equal cores that nobody disturbs. Otherwise the
// slowest thread makes all wait, so part of the panels is claimed from a counter
// of the team, some at a time (nibble_claim, runtime/include/nibble/abi.h).
// Which thread computes a panel has no influence on its bits.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_HANDOUT_H
#define NIBBLE_CODEGEN_LOWER_HANDOUT_H

#include "codegen/Lower/KernelLibrary.h"

#include <optional>

namespace nibble {

/// Where numbers are claimed; no team: equal shares.
struct ClaimSource {
  mlir::Value team; ///< !llvm.ptr
  mlir::Value slot; ///< i64
};

/// Runs body(panel) for each of this thread's panels of 0 … panels-1. `rows` is the number of activation rows that a
/// panel is multiplied with (i64): many of them make a panel worth a claim of its own.
void handOutPanels(KernelBuilder &k, int64_t panels, mlir::Value rows, ClaimSource source, mlir::Value tid,
                   mlir::Value nthreads, llvm::function_ref<void(mlir::Value panel)> body);

/// Runs body(item) for each of this thread's items of 0 … items-1 (i64). Items are worth microseconds: all of them are
/// claimed, one at a time.
void handOutItems(KernelBuilder &k, mlir::Value items, ClaimSource source, mlir::Value tid, mlir::Value nthreads,
                  llvm::function_ref<void(mlir::Value item)> body);

/// Adds to the operands of a kernel what it claims by, if its operation has a slot: the team behind the buffers and the
/// slot behind the scalars.
mlir::LogicalResult addClaimSource(mlir::Operation *op, std::optional<uint64_t> slot, KernelLibrary &library,
                                   llvm::SmallVectorImpl<mlir::Value> &buffers,
                                   llvm::SmallVectorImpl<mlir::Value> &scalars);

/// What the kernel of an operation finds of that in its arguments; nothing unless it was `added`.
ClaimSource claimSourceOf(bool added, mlir::ValueRange pointers, mlir::ValueRange scalars);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_HANDOUT_H
