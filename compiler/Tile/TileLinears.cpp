//===- TileLinears.cpp - pass mpgemm-tile-linears --------------------------===//
//
// Decides how a linear's weight lies in memory (the panel of its instruction row) and makes the quantization of the
// activations an operation of its own, so that it is done once for all its readers.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/InstructionTable.h"
#include "compiler/Tile/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_TILELINEARS
#include "compiler/Tile/Passes.h.inc"

namespace {

struct TileLinears : impl::TileLinearsBase<TileLinears> {
  void runOnOperation() override {
    quantized.clear();
    SmallVector<lm::LinearLike> linears;
    getOperation().walk([&](lm::LinearLike op) { linears.push_back(op); });
    for (lm::LinearLike op : linears)
      if (failed(tile(op)))
        return signalPassFailure();
  }

private:
  LogicalResult tile(lm::LinearLike op);
  SmallVector<Value> quantize(OpBuilder &builder, Location loc, Value x, Value n, int64_t sumGroup);

  /// Quantized activations by input, number of rows and group of sums. The first reader dominates the others: functions
  /// are straight lines.
  DenseMap<std::tuple<Value, Value, int64_t>, SmallVector<Value>> quantized;
};

SmallVector<Value> TileLinears::quantize(OpBuilder &builder, Location loc, Value x, Value n, int64_t sumGroup) {
  SmallVector<Value> &known = quantized[{x, n, sumGroup}];
  if (!known.empty())
    return known;
  auto shape = cast<RankedTensorType>(x.getType()).getShape();
  int64_t group = mpgemm::kActivationGroup;
  Type types[] = {RankedTensorType::get(shape, builder.getI8Type()),
                  RankedTensorType::get({shape[0], shape[1] / group}, builder.getF32Type()),
                  RankedTensorType::get({shape[0], shape[1] / sumGroup}, builder.getI32Type())};
  auto op = mpgemm::QuantizeOp::create(builder, loc, types, x, n, builder.getI64IntegerAttr(group),
                                       builder.getI64IntegerAttr(sumGroup), ValueRange());
  known.assign(op.getResults().begin(), op.getResults().end());
  return known;
}

LogicalResult TileLinears::tile(lm::LinearLike op) {
  auto compute = op->getAttrOfType<mpgemm::ComputeAttr>("compute");
  if (!compute)
    return op->emitOpError("has no attribute `compute`; run legalize-linears first");
  const InstructionRow *row = findRow(compute.getRow());
  if (!row)
    return op->emitOpError() << "names the instruction row '" << compute.getRow() << "', which does not exist";
  auto weightType = cast<RankedTensorType>(op.getWeights().getType());
  auto block = dyn_cast<lowbit::BlockType>(weightType.getElementType());
  int64_t bias = 0;
  if (block && row->kind == RowKind::Dot4)
    bias = row->storageBias(block.getCode().width, block.getCode().isSigned);
  auto layout = mpgemm::LayoutAttr::getChecked([&] { return op->emitOpError(); }, &getContext(),
                                               weightType.getElementType(), weightType.getDimSize(0),
                                               weightType.getDimSize(1), row->nr(), row->kr(), bias);
  if (!layout)
    return failure();

  OpBuilder builder(op);
  Location loc = op->getLoc();
  auto linear = cast<lm::LinearOp>(op.getOperation());
  SmallVector<Value> activations = {op.getActivations()};
  if (row->kind == RowKind::Dot4)
    activations = quantize(builder, loc, op.getActivations(), linear.getN(),
                           std::min<int64_t>(layout.getPanelLayout().group, mpgemm::kActivationGroup));
  Value packed = mpgemm::PackOp::create(builder, loc, layout.getPackedType(), op.getWeights());
  auto product = mpgemm::MmaOp::create(builder, loc, linear.getResult().getType(), packed, activations, linear.getN(),
                                        op.getBiasOrNull(), Value(), ValueRange(), builder.getStringAttr(row->name),
                                        layout, /*slot=*/IntegerAttr());
  op->getResult(0).replaceAllUsesWith(product.getResult());
  op->erase();
  return success();
}

} // namespace
} // namespace nibble
