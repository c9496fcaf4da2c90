//===- Passes.h - phase bufferize -----------------------------------------===//
#pragma once
#include "mlir/Pass/Pass.h"

namespace nibble {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Bufferize/Passes.h.inc"

/// Attributes of lm.model that hold the sizes of the three regions and the least that the arena could have, in bytes.
inline constexpr llvm::StringLiteral kArenaBytes = "lm.arena_bytes";
inline constexpr llvm::StringLiteral kArenaBound = "lm.arena_bound";
inline constexpr llvm::StringLiteral kStateBytes = "lm.state_bytes";
inline constexpr llvm::StringLiteral kWeightsBytes = "lm.weights_bytes";

/// Every buffer, weight and state starts at a multiple of this: a cache line, and the widest vector.
inline constexpr int64_t kBufferAlignment = 64;

/// The symbol of the runtime's barrier: (team, tid) → ().
inline constexpr llvm::StringLiteral kBarrierName = "nibble_barrier";

/// The symbol that instrumented code calls: (team, tid, op, event) → (); and the attribute of lm.model with the table
/// of the operations that have these numbers.
inline constexpr llvm::StringLiteral kProfileName = "nibble_profile";
inline constexpr llvm::StringLiteral kProfile = "lm.profile";
} // namespace nibble
