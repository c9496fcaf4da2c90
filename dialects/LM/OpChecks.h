//===- OpChecks.h - what verifiers of lm ask ------------------*- C++ -*-===//
//
// Shapes of operands and results in either form of an operation.
//
// Contract: a diagnostic at the operation that names what was expected and what was found.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LM_OPCHECKS_H
#define NIBBLE_DIALECTS_LM_OPCHECKS_H

#include "dialects/LM/LM.h"

namespace nibble::lm {

/// Of a tensor or memref.
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getShape();
}

/// The value that the operation produces: its result, or its first `into` buffer.
template <typename OpTy> mlir::Value produced(OpTy op) {
  return op.getOuts().empty() ? mlir::Value(op.getResult()) : mlir::Value(op.getOuts().front());
}

inline llvm::LogicalResult expectRank(mlir::Operation *op, mlir::Value value, llvm::StringRef name, int64_t rank) {
  int64_t found = mlir::cast<mlir::ShapedType>(value.getType()).getRank();
  if (found == rank)
    return mlir::success();
  return op->emitOpError() << name << " must have rank " << rank << ", but has " << found;
}

inline llvm::LogicalResult expectSameShape(mlir::Operation *op, mlir::Value a, mlir::Value b, llvm::StringRef names) {
  if (shapeOf(a) == shapeOf(b))
    return mlir::success();
  return op->emitOpError() << names << " must have one shape, but have " << a.getType() << " and " << b.getType();
}

/// Of an operation that gathers from `x`.
template <typename OpTy> llvm::LogicalResult refuseInPlace(OpTy op) {
  if (op.getOuts().empty() || op.getOuts().front() != op.getX())
    return mlir::success();
  return op.emitOpError("cannot be done in place");
}

} // namespace nibble::lm

#endif // NIBBLE_DIALECTS_LM_OPCHECKS_H
