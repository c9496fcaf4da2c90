//===- HandOut.h - dividing a product's panels among threads ---*- C++ -*-===//
//
// Equal shares are right for equal cores that nobody disturbs. Otherwise the
// slowest thread makes all wait, so part of the panels is claimed from a counter
// of the team, some at a time (nibble_claim, runtime/include/nibble/abi.h).
// Which thread computes a panel has no influence on its bits.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_HANDOUT_H
#define NIBBLE_CODEGEN_LOWER_HANDOUT_H

#include "codegen/Lower/KernelBuilder.h"

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

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_HANDOUT_H
