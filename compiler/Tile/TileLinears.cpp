//===- TileLinears.cpp - pass mpgemm-tile-linears --------------------------===//
//
// Decides how a linear's weight lies in memory (the panel of its instruction row) and makes the quantization of the
// activations an operation of its own, so that it is done once for all its readers.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Intrinsics/JoinedHalves.h"
#include "compiler/Tile/Passes.h"
#include "dialects/MPGEMM/ActivationLayout.h"
#include "dialects/MPGEMM/AveragedSums.h"
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
    quantized.clear(), rounded.clear(), tables.clear();
    SmallVector<lm::LinearLike> linears;
    getOperation().walk([&](lm::LinearLike op) { linears.push_back(op); });
    for (lm::LinearLike op : linears)
      if (failed(tile(op)))
        return signalPassFailure();
  }

private:
  LogicalResult tile(lm::LinearLike op);
  SmallVector<Value> quantize(OpBuilder &builder, Location loc, Value x, Value n, int64_t group, int64_t sumGroup,
                              mpgemm::ActivationLayout layout);
  Value round(OpBuilder &builder, Location loc, Value x, Value n, Type type);

  SmallVector<Value> lookUp(OpBuilder &builder, Location loc, ArrayRef<Value> quantized, Value n, bool averages);

  /// Quantized activations by input, number of rows, group of scales, group of sums and order, and rounded ones by
  /// type. The first reader dominates the others: functions are straight lines.
  DenseMap<std::tuple<Value, Value, int64_t, int64_t, int64_t, int64_t>, SmallVector<Value>> quantized;
  DenseMap<std::tuple<Value, Value, Type>, Value> rounded;
  /// Tables and bases by the codes that they are of, and the bytes of a row's tables.
  DenseMap<std::pair<Value, int64_t>, std::pair<Value, Value>> tables;
};

SmallVector<Value> TileLinears::quantize(OpBuilder &builder, Location loc, Value x, Value n, int64_t group,
                                         int64_t sumGroup, mpgemm::ActivationLayout layout) {
  SmallVector<Value> &known = quantized[{x, n, group, sumGroup, layout.interleaved, layout.joinsHalves}];
  if (!known.empty())
    return known;
  int64_t blocks = layout.blocks(cast<RankedTensorType>(x.getType()).getDimSize(0));
  Type types[] = {RankedTensorType::get({blocks, layout.codesOfBlock()}, builder.getI8Type()),
                  RankedTensorType::get({blocks, layout.numbersOfBlock(group)}, builder.getF32Type()),
                  RankedTensorType::get({blocks, layout.numbersOfBlock(sumGroup)}, builder.getI32Type())};
  auto op = mpgemm::QuantizeOp::create(builder, loc, types, x, n, builder.getI64IntegerAttr(group),
                                       builder.getI64IntegerAttr(sumGroup),
                                       layout.joinsHalves ? builder.getUnitAttr() : UnitAttr(), ValueRange());
  known.assign(op.getResults().begin(), op.getResults().end());
  return known;
}

/// Activations of f16 or bf16; f32 ones are there.
Value TileLinears::round(OpBuilder &builder, Location loc, Value x, Value n, Type type) {
  if (type.isF32())
    return x;
  Value &known = rounded[{x, n, type}];
  if (!known)
    known = mpgemm::RoundOp::create(builder, loc, x.getType(), x, n, TypeAttr::get(type), ValueRange()).getResult();
  return known;
}

/// (tables, scales, sums, bases) of (codes, scales, sums).
SmallVector<Value> TileLinears::lookUp(OpBuilder &builder, Location loc, ArrayRef<Value> quantized, Value n,
                                       bool averages) {
  Value codes = quantized[0], sums = quantized[2];
  auto shape = cast<RankedTensorType>(codes.getType()).getShape();
  int64_t bytes = averages ? mpgemm::averagedTableBytes(shape[1]) : mpgemm::tableBytes(shape[1]);
  auto [known, isNew] = tables.try_emplace({codes, bytes});
  if (isNew) {
    auto sumType = cast<RankedTensorType>(sums.getType());
    Type types[] = {RankedTensorType::get({shape[0], bytes}, builder.getI8Type()), sumType};
    auto op = mpgemm::LutBuildOp::create(builder, loc, types, codes, n,
                                         builder.getI64IntegerAttr(shape[1] / sumType.getDimSize(1)), ValueRange());
    known->second = {op.getResult(0), op.getResult(1)};
  }
  return {known->second.first, quantized[1], sums, known->second.second};
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
  if (block && block.getCode().isInteger() && row->kind == RowKind::Dot)
    bias = row->storageBias(block.getCode().width, block.getCode().isSigned);
  auto layout = mpgemm::LayoutAttr::getChecked([&] { return op->emitOpError(); }, &getContext(),
                                               weightType.getElementType(), weightType.getDimSize(0),
                                               weightType.getDimSize(1), row->nr(), row->kr(), bias,
                                               row->kind == RowKind::Lookup);
  if (!layout)
    return failure();

  OpBuilder builder(op);
  Location loc = op->getLoc();
  Value n = op.getValidRows();
  SmallVector<Value> activations = {op.getActivations()};
  // Rows of one expert do not stand side by side.
  int64_t rows = op.getMatrices() > 1 ? 1 : cast<RankedTensorType>(op.getActivations().getType()).getDimSize(0);
  mpgemm::ActivationLayout order{layout.getK(), mpgemm::ActivationLayout::blockOf(rows, row->strip, row->tile),
                                 block && row->kind == RowKind::Dot && joinsHalves(block, *row, rows)};
  bool isRow = isa<lowbit::BlockType>(compute.getActivation());
  if (row->kind == RowKind::Float)
    activations = {round(builder, loc, op.getActivations(), n, compute.getActivation())};
  else
    activations = quantize(builder, loc, op.getActivations(), n,
                           isRow ? layout.getK() : mpgemm::kActivationGroup,
                           std::min<int64_t>(layout.getPanelLayout().group, mpgemm::kActivationGroup), order);
  if (row->kind == RowKind::Lookup)
    activations = lookUp(builder, loc, activations, n, row->averages);
  Value packed = mpgemm::PackOp::create(builder, loc, layout.getPackedType(), op.getWeights());
  Type type = op->getResult(0).getType();
  Operation *product;
  if (auto experts = dyn_cast<lm::ExpertLinearOp>(op.getOperation()))
    product = mpgemm::ExpertMmaOp::create(builder, loc, type, packed, activations, experts.getChosen(), n, ValueRange(),
                                          builder.getStringAttr(row->name), layout, experts.getExpertsAttr());
  else
    product = mpgemm::MmaOp::create(builder, loc, type, packed, activations, n, op.getBiasOrNull(), Value(),
                                    ValueRange(), builder.getStringAttr(row->name), layout,
                                    order.joinsHalves ? builder.getUnitAttr() : UnitAttr(), /*slot=*/IntegerAttr());
  op->getResult(0).replaceAllUsesWith(product->getResult(0));
  op->erase();
  return success();
}

} // namespace
} // namespace nibble
