//===- ReferenceFrame.cpp - the walk over a function ----------------------===//
//
// See ReferenceFrame.h. Symbols and the operations of upstream dialects.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/ReferenceFrame.h"

#include "dialects/LowBit/LowBit.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nibble;
using namespace nibble::reference;

FailureOr<ReferenceValues>
ReferenceInterpreter::Frame::run(func::FuncOp function,
                                 ReferenceValues arguments) {
  Block &body = function.getBody().front();
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), arguments))
    values[argument] = std::move(value);
  for (Operation &op : body.without_terminator())
    if (failed(execute(&op)))
      return failure();
  ReferenceValues results;
  for (Value operand : body.getTerminator()->getOperands())
    results.push_back(std::move(values[operand]));
  return results;
}

FailureOr<int64_t> ReferenceInterpreter::Frame::valid(Operation *op, Value n,
                                                      int64_t count) {
  int64_t valid = index(n);
  if (valid < 0 || valid > count)
    return op->emitError() << "of " << count << " rows, " << valid
                           << " cannot be valid";
  return valid;
}

FailureOr<int64_t> ReferenceInterpreter::Frame::validAt(Operation *op, Value n,
                                                        int64_t count,
                                                        Value pos,
                                                        int64_t context) {
  FailureOr<int64_t> rows = valid(op, n, count);
  if (failed(rows))
    return failure();
  if (index(pos) < 0 || index(pos) + *rows > context)
    return op->emitError() << "positions " << index(pos) << " to "
                           << index(pos) + *rows
                           << " are outside a context of " << context;
  return rows;
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

LogicalResult ReferenceInterpreter::Frame::execute(lm::WeightRefOp op) {
  FailureOr<const ReferenceWeight *> weight =
      owner.weightOf(op, op.getWeight());
  return failed(weight) ? failure() : set(op.getResult(), *weight);
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::StateRefOp op) {
  auto found = owner.states.find(op.getState());
  if (found == owner.states.end())
    return op.emitError() << "there is no state " << op.getState();
  return set(op.getResult(), &found->second);
}

//===----------------------------------------------------------------------===//
// Upstream operations
//===----------------------------------------------------------------------===//

LogicalResult ReferenceInterpreter::Frame::execute(func::CallOp op) {
  ReferenceValues arguments;
  for (Value operand : op.getOperands())
    arguments.push_back(values[operand]);
  FailureOr<ReferenceValues> results =
      owner.call(op.getCallee(), std::move(arguments));
  if (failed(results))
    return failure();
  for (auto [value, result] : llvm::zip_equal(op.getResults(), *results))
    (void)set(value, std::move(result));
  return success();
}

LogicalResult ReferenceInterpreter::Frame::execute(arith::ConstantOp op) {
  auto integer = dyn_cast<IntegerAttr>(op.getValue());
  if (!integer || !op.getType().isIndex())
    return op.emitError("the reference interpreter knows constants of type "
                        "index only");
  return set(op.getResult(), integer.getInt());
}

LogicalResult ReferenceInterpreter::Frame::execute(arith::AddFOp op) {
  if (!isa<RankedTensorType>(op.getType()))
    return op.emitError("the reference interpreter adds tensors only");
  Rows sum = rows(op.getLhs());
  const Rows &other = rows(op.getRhs());
  for (size_t element = 0; element < sum.values.size(); ++element)
    sum.values[element] += other.values[element];
  return set(op.getResult(), std::move(sum));
}

LogicalResult ReferenceInterpreter::Frame::execute(tensor::ExtractSliceOp op) {
  auto isStatic = [](ArrayRef<int64_t> numbers) {
    return llvm::none_of(numbers, ShapedType::isDynamic);
  };
  ArrayRef<int64_t> offsets = op.getStaticOffsets(),
                    sizes = op.getStaticSizes();
  bool unitStrides = llvm::all_of(op.getStaticStrides(),
                                  [](int64_t stride) { return stride == 1; });
  if (offsets.size() != 2 || op.getType().getRank() != 2 ||
      !isStatic(offsets) || !isStatic(sizes) || !unitStrides)
    return op.emitError("the reference interpreter slices matrices with "
                        "constant offsets and sizes and stride 1 only");
  const Rows &source = rows(op.getSource());
  Rows slice(sizes[0], sizes[1]);
  for (int64_t m = 0; m < sizes[0]; ++m)
    std::copy_n(source.row(offsets[0] + m) + offsets[1], sizes[1],
                slice.row(m));
  return set(op.getResult(), std::move(slice));
}

LogicalResult ReferenceInterpreter::Frame::execute(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<lm::WeightRefOp, lm::StateRefOp, lm::EmbedOp, lm::RMSNormOp, lm::LayerNormOp, lm::ResidualOp, lm::LogitsOp,
            lm::ReorderOp, lm::LinearOp, lm::RopeOp, lm::KVAppendOp, lm::AttentionOp, lm::ExpertLinearOp,
            lm::ExpertReorderOp, lm::TopKOp, lm::ExpertSumOp, lm::AddPositionsOp, lm::ActivateOp, lm::PoolOp,
            lm::ShortConvOp, lm::GluOp, lm::StateWriteOp, lm::StateReadOp, func::CallOp, arith::ConstantOp,
            arith::AddFOp, tensor::ExtractSliceOp>([&](auto known) { return execute(known); })
      // The same numbers, spelled differently.
      .Case<lowbit::CastOp, lowbit::DecodeOp>([&](auto same) { return set(same.getResult(), values[same.getInput()]); })
      .Case([&](arith::AddIOp sum) { return set(sum.getResult(), index(sum.getLhs()) + index(sum.getRhs())); })
      .Case([&](arith::MulIOp product) {
        return set(product.getResult(),
                   index(product.getLhs()) * index(product.getRhs()));
      })
      .Default([](Operation *other) {
        return other->emitError("the reference interpreter does not know this "
                                "operation");
      });
}
