//===- ReferenceFrame.h - one call of a function ----------------*- C++ -*-===//
//
// What: the values of one call. Each operation reads its operands from them and adds its
// results; what operations of rows and of state compute stands in files of their own.
// Private to the reference interpreter.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_REFERENCE_REFERENCEFRAME_H
#define NIBBLE_COMPILER_REFERENCE_REFERENCEFRAME_H

#include "compiler/Reference/ReferenceInterpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace nibble::reference {

class ReferenceInterpreter::Frame {
public:
  Frame(ReferenceInterpreter &owner) : owner(owner) {}

  /// Executes the body; the operands of its return are the result.
  mlir::FailureOr<ReferenceValues> run(mlir::func::FuncOp function, ReferenceValues arguments);

private:
  template <typename T> const T &get(mlir::Value value) {
    return std::get<T>(values.find(value)->second);
  }
  int64_t index(mlir::Value value) { return get<int64_t>(value); }
  const Rows &rows(mlir::Value value) { return get<Rows>(value); }
  const ReferenceWeight &weight(mlir::Value value) {
    return *get<const ReferenceWeight *>(value);
  }
  State &state(mlir::Value value) { return *get<State *>(value); }
  mlir::LogicalResult set(mlir::Value value, ReferenceValue result) {
    values[value] = std::move(result);
    return mlir::success();
  }

  /// The number of valid rows, held to the rows there are.
  mlir::FailureOr<int64_t> valid(mlir::Operation *op, mlir::Value n, int64_t count);
  /// The same for rows that stand at positions pos … of a cache.
  mlir::FailureOr<int64_t> validAt(mlir::Operation *op, mlir::Value n, int64_t count, mlir::Value pos,
                                   int64_t context);

  template <typename OpTy, typename Compute>
  mlir::LogicalResult ofRows(OpTy op, mlir::Value from, Compute compute);

  mlir::LogicalResult execute(mlir::Operation *op);
  mlir::LogicalResult execute(lm::WeightRefOp op);
  mlir::LogicalResult execute(lm::StateRefOp op);
  mlir::LogicalResult execute(lm::EmbedOp op);
  mlir::LogicalResult execute(lm::RMSNormOp op);
  mlir::LogicalResult execute(lm::LayerNormOp op);
  mlir::LogicalResult execute(lm::ResidualOp op);
  mlir::LogicalResult execute(lm::LogitsOp op);
  mlir::LogicalResult execute(lm::ReorderOp op);
  mlir::LogicalResult execute(lm::LinearOp op);
  mlir::LogicalResult execute(lm::RopeOp op);
  mlir::LogicalResult execute(lm::KVAppendOp op);
  /// The first n rows as the clause `rope` of `op` turns them, if it has one.
  template <typename OpTy> Rows rotated(OpTy op, const Rows &x, int64_t n);
  mlir::LogicalResult execute(lm::AttentionOp op);
  mlir::LogicalResult execute(lm::ShortConvOp op);
  mlir::LogicalResult execute(lm::ExpertLinearOp op);
  mlir::LogicalResult execute(lm::ExpertReorderOp op);
  mlir::LogicalResult execute(lm::TopKOp op);
  mlir::LogicalResult execute(lm::ExpertSumOp op);
  mlir::LogicalResult execute(lm::AddPositionsOp op);
  mlir::LogicalResult execute(lm::ActivateOp op);
  mlir::LogicalResult execute(lm::PoolOp op);
  mlir::LogicalResult execute(lm::GluOp op);
  mlir::LogicalResult execute(lm::StateWriteOp op);
  mlir::LogicalResult execute(lm::StateReadOp op);
  mlir::LogicalResult execute(mlir::func::CallOp op);
  mlir::LogicalResult execute(mlir::arith::ConstantOp op);
  mlir::LogicalResult execute(mlir::arith::AddFOp op);
  mlir::LogicalResult execute(mlir::tensor::ExtractSliceOp op);

  ReferenceInterpreter &owner;
  llvm::DenseMap<mlir::Value, ReferenceValue> values;
};

} // namespace nibble::reference

#endif // NIBBLE_COMPILER_REFERENCE_REFERENCEFRAME_H
