//===- ClaimSlot.h - the counter that hands out an operation's work -------===//
//
// An operation of attention may have the attribute `lm.slot`, an i64: the number of the
// counter of the thread team (nibble_claim, runtime/include/nibble/abi.h) from which threads
// claim its items of work, as the products of mpgemm do by their attribute `slot`. The pass
// hand-out-panels sets it, the kernels read it; without it threads take equal shares.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/StringRef.h"

namespace nibble::lm {

inline constexpr llvm::StringLiteral kClaimSlot = "lm.slot";

} // namespace nibble::lm
