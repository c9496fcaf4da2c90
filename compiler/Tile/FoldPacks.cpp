//===- FoldPacks.cpp - pass mpgemm-fold-packs -----------------------------===//
//
// Law 8: weights are packed when the program is built. After this pass a weight symbol has the type of its packed
// bytes, and no operation of the program mentions the packing.
//
//===----------------------------------------------------------------------===//
#include "compiler/Tile/Passes.h"
#include "dialects/LowBit/Casts.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_FOLDPACKS
#include "compiler/Tile/Passes.h.inc"

namespace {

struct FoldPacks : impl::FoldPacksBase<FoldPacks> {
  void runOnOperation() override {
    SymbolTable table(getOperation());
    symbols = &table;
    SmallVector<mpgemm::PackOp> packs;
    getOperation().walk([&](mpgemm::PackOp pack) { packs.push_back(pack); });
    for (mpgemm::PackOp pack : packs)
      if (failed(foldPack(pack)))
        return signalPassFailure();
    SmallVector<lm::EmbedOp> embeds;
    getOperation().walk([&](lm::EmbedOp embed) { embeds.push_back(embed); });
    for (lm::EmbedOp embed : embeds)
      if (failed(layOutTable(embed)))
        return signalPassFailure();
    applyLayouts();
  }

private:
  LogicalResult require(Operation *user, lm::WeightRefOp ref, mpgemm::LayoutAttr layout);
  LogicalResult foldPack(mpgemm::PackOp pack);
  LogicalResult layOutTable(lm::EmbedOp embed);
  void applyLayouts();

  SymbolTable *symbols = nullptr;
  llvm::MapVector<Operation *, mpgemm::LayoutAttr> layouts; // of lm.weight operations
};

/// Records the layout of the weight behind `ref`; two users must agree.
LogicalResult FoldPacks::require(Operation *user, lm::WeightRefOp ref, mpgemm::LayoutAttr layout) {
  if (!ref)
    return user->emitOpError("packs a value that is no weight; only weights can be packed, when the program is built");
  Operation *weight = symbols->lookup<lm::WeightOp>(ref.getWeight());
  mpgemm::LayoutAttr &known = layouts[weight];
  if (known && known != layout)
    return user->emitOpError() << "needs the weight " << ref.getWeight() << " as " << layout
                               << ", but another use needs it as " << known;
  known = layout;
  return success();
}

/// Casts of a value that nobody reads any more: packing writes what the last one gave.
static void eraseCasts(Value value) {
  while (auto spelled = value.getDefiningOp<lowbit::CastOp>()) {
    if (!spelled->use_empty())
      return;
    value = spelled.getInput();
    spelled.erase();
  }
}

LogicalResult FoldPacks::foldPack(mpgemm::PackOp pack) {
  auto layout = cast<mpgemm::LayoutAttr>(cast<RankedTensorType>(pack.getResult().getType()).getEncoding());
  Value spelled = pack.getWeight(), weight = lowbit::throughCasts(spelled);
  if (auto argument = dyn_cast<BlockArgument>(weight)) {
    auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    if (!func || !func.isPrivate() || !weight.hasOneUse())
      return pack.emitOpError("packs an argument that is used elsewhere, too");
    std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(func, getOperation());
    for (SymbolTable::SymbolUse use : *uses) {
      auto call = dyn_cast<func::CallOp>(use.getUser());
      if (!call)
        return pack.emitOpError() << "packs an argument of @" << func.getSymName() << ", which is not only called";
      Value passed = call.getOperand(argument.getArgNumber());
      if (failed(require(pack, passed.getDefiningOp<lm::WeightRefOp>(), layout)))
        return failure();
    }
    pack.getResult().replaceAllUsesWith(weight);
    pack.erase();
    eraseCasts(spelled);
    weight.setType(layout.getPackedType());
    func.setType(FunctionType::get(&getContext(), func.getBody().getArgumentTypes(), func.getResultTypes()));
    return success();
  }
  auto ref = weight.getDefiningOp<lm::WeightRefOp>();
  if (failed(require(pack, ref, layout)))
    return failure();
  pack.getResult().replaceAllUsesWith(weight);
  pack.erase();
  eraseCasts(spelled);
  return success();
}

/// A table that a linear shares has that linear's layout; another has its rows one after the other, and runs of four
/// codes, so that a row is read in one go.
LogicalResult FoldPacks::layOutTable(lm::EmbedOp embed) {
  Value spelled = embed.getTable();
  auto ref = lowbit::throughCasts(spelled).getDefiningOp<lm::WeightRefOp>();
  if (!ref)
    return embed.emitOpError("reads a table that is no weight");
  Operation *weight = symbols->lookup<lm::WeightOp>(ref.getWeight());
  if (!layouts.count(weight)) {
    auto type = cast<RankedTensorType>(spelled.getType());
    int64_t run = isa<lowbit::BlockType>(type.getElementType()) ? 4 : 1;
    auto layout = mpgemm::LayoutAttr::getChecked([&] { return embed.emitOpError(); }, &getContext(),
                                                 type.getElementType(), type.getDimSize(0), type.getDimSize(1),
                                                 /*nr=*/int64_t(1), run, /*bias=*/int64_t(0));
    if (!layout)
      return failure();
    layouts[weight] = layout;
  }
  embed.setLayoutAttr(layouts[weight]);
  embed.getTableMutable().set(ref.getResult());
  eraseCasts(spelled);
  return success();
}

void FoldPacks::applyLayouts() {
  for (auto &[op, layout] : layouts) {
    Type numbers = cast<RankedTensorType>(cast<lm::WeightOp>(op).getType()).getElementType();
    if (numbers != layout.getElement())
      op->setAttr(lowbit::kCastFromAttr, TypeAttr::get(numbers));
    op->setAttr("type", TypeAttr::get(layout.getPackedType()));
  }
  getOperation().walk([&](lm::WeightRefOp ref) {
    auto found = layouts.find(symbols->lookup<lm::WeightOp>(ref.getWeight()));
    if (found != layouts.end())
      ref.getResult().setType(found->second.getPackedType());
  });
}

} // namespace
} // namespace nibble
