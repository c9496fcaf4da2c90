//===- NarrowEmitter.h - multiplying floats of 16 bits ---------*- C++ -*-===//
//
// The part of a product of 16-bit floats that differs between instructions: weights
// and activations of one type, f16 or bf16, sums in f32. A row of the instruction
// table names its emitter; the kernel (codegen/Lower/MmaFloat.cpp) loads operands.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_NARROWEMITTER_H
#define NIBBLE_CODEGEN_TARGETS_NARROWEMITTER_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

class NarrowEmitter {
public:
  virtual ~NarrowEmitter() = default;

  /// sum[r] + Σ_i weights[r · depth + i] · activations[r · depth + i] for each lane r of the sum (f32), with the
  /// rounding of the instruction; `depth` as the row has it, or half of that with strips of two rows.
  virtual mlir::Value multiplyAdd(KernelBuilder &k, mlir::Value sum, mlir::Value weights,
                                  mlir::Value activations) const = 0;
  /// With strips of two rows, the same for a tile of four sums, activation row 0 with weight rows 0 and 1, then
  /// activation row 1 with these. Operands are `depth` columns of one row, then of the other; to the bits of two
  /// multiplyAdd().
  virtual mlir::Value multiplyTile(KernelBuilder &k, mlir::Value sum, mlir::Value weights,
                                   mlir::Value activations) const;
};

/// The emitter of a row of kind Float with narrow operands.
const NarrowEmitter &narrowEmitter(const InstructionRow &row);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_NARROWEMITTER_H
