//===- LookupEmitter.h - how a look-up instruction is emitted --*- C++ -*-===//
//
// The part of a look-up kernel that differs between instructions: 16 entries of a
// table for 16 indices, in each 128 bits of a register, and the way from bytes to
// 16-bit sums. See dialects/MPGEMM/LookupLayout.h for what is looked up.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_LOOKUPEMITTER_H
#define NIBBLE_CODEGEN_TARGETS_LOOKUPEMITTER_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// Sums of low and of high parts of entries, for one bit of the codes: bytes, 16 rows × quads of a vector.
struct LookupSums {
  mlir::Value low, high;
};

class LookupEmitter {
public:
  virtual ~LookupEmitter() = default;

  /// Byte i of the result is byte indices[i] of the table in the same 128 bits. Indices lie in 0 … 15.
  virtual mlir::Value lookUp(KernelBuilder &k, mlir::Value table, mlir::Value indices) const = 0;
  /// Σ_p 2^p · (low + 32 · high) of the bits p of the codes, over the quads of the vectors: i16 × 16, to be read
  /// without a sign (four bits of a run of 32 columns give at most 15 · 8 · 508 = 60960).
  virtual mlir::Value combine(KernelBuilder &k, llvm::ArrayRef<LookupSums> bits) const;
};

/// The emitter of a row of kind Lookup.
const LookupEmitter &lookupEmitter(const InstructionRow &row);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_LOOKUPEMITTER_H
