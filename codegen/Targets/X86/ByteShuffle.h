//===- ByteShuffle.h - vpshufb, vpermb and vpermps -------------*- C++ -*-===//
//
// Each byte chooses one of the 16 bytes of its own 128-bit lane by its low four
// bits; codes are below 16, so the top bit, which would give 0, is never set.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_X86_BYTESHUFFLE_H
#define NIBBLE_CODEGEN_TARGETS_X86_BYTESHUFFLE_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// Bytes of the widest shuffle that a machine with the row's features has. Every row needs AVX at least.
int64_t x86ShuffleBytes(const InstructionRow &row);

/// Whether a machine with the row's features looks bytes up in tables of whole registers (Intel SDM, VPERMB and
/// VPERMI2B).
bool x86PermutesBytes(const InstructionRow &row);

/// Byte codes[i] of a table of 64 bytes or, with `upper`, of 128; both vectors, and `codes`, have 64. Codes lie in the
/// table.
mlir::Value emitX86Permute(KernelBuilder &k, mlir::Value table, mlir::Value upper, mlir::Value codes);

/// `table` and `codes` have 16, 32 or 64 bytes.
mlir::Value emitX86Shuffle(KernelBuilder &k, mlir::Value table, mlir::Value codes);

/// Whether a machine with the row's features looks floats up in a table of 16, a whole register (Intel SDM, VPERMPS).
bool x86PermutesFloats(const InstructionRow &row);

/// Float codes[i] of a table; both, and `codes` (i32), have 16 lanes.
mlir::Value emitX86PermuteFloats(KernelBuilder &k, mlir::Value table, mlir::Value codes);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_X86_BYTESHUFFLE_H
