//===- FuseLinears.cpp - pass lm-fuse-linears ------------------------------===//
//
// Joins linears of one input into one, so that the activations are quantized and read once and one kernel call does
// the work of three. Weights reach a linear as `lm.weight_ref` values or as arguments of a layer function that every
// caller feeds with `lm.weight_ref`; both are rewritten to a fused symbol.
//
//===----------------------------------------------------------------------===//
#include "compiler/Simplify/Passes.h"
#include "dialects/LM/LM.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_FUSELINEARS
#include "compiler/Simplify/Passes.h.inc"

namespace {

using Group = SmallVector<lm::LinearOp>;

struct FuseLinears : impl::FuseLinearsBase<FuseLinears> {
  void runOnOperation() override;

private:
  SmallVector<Group> findGroups(func::FuncOp func);
  bool canFuse(const Group &group);
  void fuse(func::FuncOp func, Group &group);
  Value fuseOperands(func::FuncOp func, ArrayRef<Value> parts);
  lm::WeightOp fusedWeight(ArrayRef<lm::WeightOp> parts);
  void eraseUnusedWeights();

  SymbolTable *symbols = nullptr;
};

/// Linears of `func` by input, row count and weight type, in the order of the first of each.
SmallVector<Group> FuseLinears::findGroups(func::FuncOp func) {
  using Key = std::tuple<Value, Value, Type, unsigned>;
  llvm::MapVector<Key, Group> groups;
  func.walk([&](lm::LinearOp op) {
    Type element = cast<RankedTensorType>(op.getWeight().getType()).getElementType();
    if (auto block = dyn_cast<lowbit::BlockType>(element); block && block.getCode().stored == lowbit::CodeKind::Tensor)
      return; // its panels hold one codebook, those of a joined weight would need several
    groups[{op.getX(), op.getN(), element, op.getBias() ? 1u : 0u}].push_back(op);
  });
  SmallVector<Group> result;
  for (auto &[key, group] : groups)
    if (group.size() > 1 && canFuse(group))
      result.push_back(std::move(group));
  return result;
}

/// The calls of `func`, or nothing if something else refers to it, too.
static SmallVector<func::CallOp> callsOf(func::FuncOp func) {
  SmallVector<func::CallOp> calls;
  std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(func, func->getParentOp());
  if (!uses)
    return calls;
  for (SymbolTable::SymbolUse use : *uses) {
    auto call = dyn_cast<func::CallOp>(use.getUser());
    if (!call)
      return {};
    calls.push_back(call);
  }
  return calls;
}

/// Whether `value` is a weight symbol, here or at every call of the function whose argument it is.
static bool isWeightValue(Value value) {
  if (value.getDefiningOp<lm::WeightRefOp>())
    return true;
  auto argument = dyn_cast<BlockArgument>(value);
  auto func = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  if (!func || !func.isPrivate() || !value.hasOneUse())
    return false;
  SmallVector<func::CallOp> calls = callsOf(func);
  return !calls.empty() && llvm::all_of(calls, [&](func::CallOp call) {
    return call.getOperand(argument.getArgNumber()).getDefiningOp<lm::WeightRefOp>();
  });
}

bool FuseLinears::canFuse(const Group &group) {
  // One kind of origin for all, and every linear in the block of the first.
  for (lm::LinearOp op : group) {
    if (op->getBlock() != group.front()->getBlock() || !isWeightValue(op.getWeight()))
      return false;
    if (isa<BlockArgument>(op.getWeight()) != isa<BlockArgument>(group.front()->getOperand(1)))
      return false;
    if (op.getBias() && (!isWeightValue(op.getBias()) ||
                         isa<BlockArgument>(op.getBias()) != isa<BlockArgument>(op.getWeight())))
      return false;
  }
  return true;
}

/// The symbol that holds the rows of all parts; made on first use.
lm::WeightOp FuseLinears::fusedWeight(ArrayRef<lm::WeightOp> parts) {
  std::string name;
  int64_t rows = 0;
  SmallVector<Attribute> sources;
  for (lm::WeightOp part : parts) {
    name += (name.empty() ? "" : "+") + part.getSymName().str();
    rows += cast<RankedTensorType>(part.getType()).getDimSize(0);
    llvm::append_range(sources, part.getSources());
  }
  auto type = cast<RankedTensorType>(parts.front()->getAttrOfType<TypeAttr>("type").getValue());
  SmallVector<int64_t> shape(type.getShape());
  shape.front() = rows;
  auto fusedType = RankedTensorType::get(shape, type.getElementType());
  OpBuilder builder(parts.front());
  // A weight of the file may have that name; insert() then finds another one.
  auto existing = symbols->lookup<lm::WeightOp>(name);
  if (existing && existing.getType() == fusedType && existing.getSources() == builder.getArrayAttr(sources))
    return existing;
  auto fused = lm::WeightOp::create(builder, parts.front()->getLoc(), name, fusedType, builder.getArrayAttr(sources),
                                    IntegerAttr());
  symbols->insert(fused);
  return fused;
}

/// A value with the rows of all parts, at the place of the first part's users.
Value FuseLinears::fuseOperands(func::FuncOp func, ArrayRef<Value> parts) {
  auto weightOf = [&](Value value) {
    return symbols->lookup<lm::WeightOp>(value.getDefiningOp<lm::WeightRefOp>().getWeight());
  };
  if (!isa<BlockArgument>(parts.front())) {
    lm::WeightOp weight = fusedWeight(llvm::map_to_vector(parts, weightOf));
    OpBuilder builder(parts.front().getDefiningOp());
    return lm::WeightRefOp::create(builder, parts.front().getLoc(), weight.getType(), weight.getSymName());
  }

  // Arguments: the first becomes the fused one, for which callers pass the fused symbol; fuse() drops the others.
  SmallVector<unsigned> numbers;
  for (Value part : parts)
    numbers.push_back(cast<BlockArgument>(part).getArgNumber());
  Type fusedType;
  for (func::CallOp call : callsOf(func)) {
    SmallVector<lm::WeightOp> weights =
        llvm::map_to_vector(numbers, [&](unsigned number) { return weightOf(call.getOperand(number)); });
    lm::WeightOp weight = fusedWeight(weights);
    OpBuilder builder(call);
    Value ref = lm::WeightRefOp::create(builder, call.getLoc(), weight.getType(), weight.getSymName());
    fusedType = ref.getType();
    call->setOperand(numbers.front(), ref);
  }
  Value first = parts.front();
  first.setType(fusedType);
  return first;
}

void FuseLinears::fuse(func::FuncOp func, Group &group) {
  lm::LinearOp first = group.front();
  SmallVector<Value> weights, biases;
  for (lm::LinearOp op : group) {
    weights.push_back(op.getWeight());
    if (op.getBias())
      biases.push_back(op.getBias());
  }
  llvm::BitVector dead(func.getNumArguments());
  for (ArrayRef<Value> parts : {ArrayRef(weights), ArrayRef(biases)})
    for (Value part : parts.empty() ? parts : parts.drop_front())
      if (auto argument = dyn_cast<BlockArgument>(part))
        dead.set(argument.getArgNumber());

  Value bias = biases.empty() ? Value() : fuseOperands(func, biases);
  Value weight = fuseOperands(func, weights);

  OpBuilder builder(first);
  auto x = cast<RankedTensorType>(first.getX().getType());
  int64_t rows = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  auto type = RankedTensorType::get({x.getDimSize(0), rows}, x.getElementType());
  Value fused =
      lm::LinearOp::create(builder, first.getLoc(), type, first.getX(), weight, first.getN(), bias, Attribute());
  int64_t offset = 0;
  for (lm::LinearOp op : group) {
    auto part = cast<RankedTensorType>(op.getResult().getType());
    SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0), builder.getIndexAttr(offset)};
    SmallVector<OpFoldResult> sizes = {builder.getIndexAttr(part.getDimSize(0)),
                                       builder.getIndexAttr(part.getDimSize(1))};
    SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
    Value slice = tensor::ExtractSliceOp::create(builder, op.getLoc(), part, fused, offsets, sizes, strides);
    op.getResult().replaceAllUsesWith(slice);
    offset += part.getDimSize(1);
  }
  for (lm::LinearOp op : group)
    op.erase();
  for (func::CallOp call : callsOf(func))
    if (dead.any())
      call->eraseOperands(dead);
  (void)func.eraseArguments(dead);
  func.setType(builder.getFunctionType(func.getBody().getArgumentTypes(), func.getResultTypes()));
}

void FuseLinears::eraseUnusedWeights() {
  ModuleOp module = getOperation();
  module.walk([](lm::WeightRefOp ref) {
    if (ref->use_empty())
      ref.erase();
  });
  for (lm::WeightOp weight : llvm::make_early_inc_range(module.getOps<lm::WeightOp>()))
    if (SymbolTable::symbolKnownUseEmpty(weight, module))
      symbols->erase(weight);
}

void FuseLinears::runOnOperation() {
  SymbolTable table(getOperation());
  symbols = &table;
  for (func::FuncOp func : getOperation().getOps<func::FuncOp>())
    if (!func.isExternal())
      for (Group &group : findGroups(func))
        fuse(func, group);
  eraseUnusedWeights();
}

} // namespace
} // namespace nibble
