//===- HeadRotation.h - rotary position embedding of a head ----*- C++ -*-===//
//
// Rotary position embedding (Su et al., arXiv 2104.09864): in each head, the pair
// (a, b) with frequency θ becomes (a·cos pθ - b·sin pθ, b·cos pθ + a·sin pθ).
//
// Cosine and sine of a position p = 64·s + j come from two rows of the table:
//   cos pθ = cos jθ · cos 64sθ - sin jθ · sin 64sθ
//   sin pθ = sin jθ · cos 64sθ + cos jθ · sin 64sθ
// Row j holds the first pair of factors, row 64 + s the second. A table of every
// position would be 64 times as long as the second part and is not exacter: the
// result is within a few roundings of f32 at every position.
//
// Contract: the bits do not depend on who rotates: lm.rope, the write to a cache or
// the attention that reads a query.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_HEADROTATION_H
#define NIBBLE_CODEGEN_LOWER_HEADROTATION_H

#include "codegen/Lower/KernelBuilder.h"
#include "dialects/LM/LM.h"

#include <optional>
#include <string>

namespace nibble {

struct HeadRotation {
  lm::Pairing pairing;
  int64_t headDim;
  int64_t pairs; ///< half of the rotated dimensions; those behind them are copied

  /// A diagnostic at `op` if `table` is none that kernels read.
  static mlir::FailureOr<HeadRotation> get(mlir::Operation *op, mlir::Value table, lm::Pairing pairing,
                                           int64_t headDim);
  /// Of an operation with the clause `rope`; none without one, where `table` is null.
  static mlir::FailureOr<std::optional<HeadRotation>> ofClause(mlir::Operation *op, mlir::Value table,
                                                               std::optional<lm::Pairing> pairing, int64_t headDim);
  /// Numbers of a row of the table: (cos, sin) of each pair.
  int64_t tableRow() const { return 2 * pairs; }
  /// As part of a kernel's name.
  std::string name() const;

  /// Rotates the headDim numbers at `from` as those of `position`. May be done in place.
  void emit(KernelBuilder &k, mlir::Value table, mlir::Value position, mlir::Value from, mlir::Value to) const;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_HEADROTATION_H
