//===- MmaChecks.h - what a product's operands must be ---------*- C++ -*-===//
//
// What mpgemm.mma and mpgemm.expert_mma must hold for a kernel to be emitted: that the
// instruction row can multiply codes in the layout, and that activations have the
// types, strides and groups that it reads. Both ask here, so that neither checks less.
//
// Contract: a diagnostic at `op` that names what was expected and what was found.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_MMACHECKS_H
#define NIBBLE_CODEGEN_LOWER_MMACHECKS_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/MPGEMM/MPGEMM.h"

namespace nibble {

/// Activations as a kernel is specialised on them.
struct ActivationShape {
  llvm::SmallVector<int64_t> strides; ///< elements from row to row: x, or codes, scales, sums, bases
  int64_t activationGroup = mpgemm::kActivationGroup; ///< columns that share a scale: 32, or all
  int64_t sumGroup = 0;                               ///< columns that share a sum of codes; not for float
};

/// `interleaved`: rows of a block that codes are to lie in, 1 for plain rows.
mlir::FailureOr<ActivationShape> activationShape(mlir::Operation *op, mlir::ValueRange activations,
                                                 mpgemm::LayoutAttr layout, const InstructionRow &row,
                                                 int64_t interleaved);

/// Row stride of a matrix operand whose rows are contiguous.
mlir::FailureOr<int64_t> rowStride(mlir::Operation *op, mlir::Value buffer, llvm::StringRef name, mlir::Type element);

/// A vector without gaps.
mlir::LogicalResult checkVector(mlir::Operation *op, mlir::Value buffer, llvm::StringRef name, mlir::Type element);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_MMACHECKS_H
