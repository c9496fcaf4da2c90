//===- LMOps.cpp - verifiers, effects and registration of lm --------------===//
#include "dialects/LM/OpChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/LM/LMDialect.cpp.inc"
#include "dialects/LM/LMEnums.cpp.inc"
#include "dialects/LM/LMInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/LM/LMAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/LM/LMTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/LM/LMOps.cpp.inc"

using namespace mlir;

namespace nibble::lm {

void LMDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/LM/LMAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/LM/LMTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/LM/LMOps.cpp.inc"
      >();
}

ModelOp getModel(ModuleOp module) {
  auto models = module.getOps<ModelOp>();
  return models.empty() ? ModelOp() : *models.begin();
}

//===-- Forms --------------------------------------------------------------===//

using Effects = SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

void addTeamOpEffects(Operation *op, OperandRange outs, Effects &effects) {
  unsigned firstOut = op->getNumOperands();
  if (!outs.empty())
    firstOut = outs.getBeginOperandIndex();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool isOut = operand.getOperandNumber() >= firstOut && operand.getOperandNumber() < firstOut + outs.size();
    if (isOut)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

LogicalResult verifyForm(Operation *op, OperandRange outs) {
  if (outs.empty()) {
    if (op->getNumResults() == 0)
      return op->emitOpError("needs a result (value form) or `into` buffers (buffer form)");
    return success();
  }
  if (op->getNumResults() != 0)
    return op->emitOpError("has both a result and `into` buffers");
  for (Value operand : op->getOperands())
    if (isa<RankedTensorType>(operand.getType()))
      return op->emitOpError("in buffer form takes memrefs, but an operand is ") << operand.getType();
  return success();
}

#define NIBBLE_LM_TEAM_EFFECTS(OP)                                                                                     \
  void OP::getEffects(Effects &effects) { addTeamOpEffects(*this, getOuts(), effects); }
NIBBLE_LM_TEAM_EFFECTS(EmbedOp)
NIBBLE_LM_TEAM_EFFECTS(RMSNormOp)
NIBBLE_LM_TEAM_EFFECTS(LayerNormOp)
NIBBLE_LM_TEAM_EFFECTS(ResidualOp)
NIBBLE_LM_TEAM_EFFECTS(LogitsOp)
NIBBLE_LM_TEAM_EFFECTS(ReorderOp)
NIBBLE_LM_TEAM_EFFECTS(AddPositionsOp)
NIBBLE_LM_TEAM_EFFECTS(TopKOp)
NIBBLE_LM_TEAM_EFFECTS(ExpertReorderOp)
NIBBLE_LM_TEAM_EFFECTS(ExpertSumOp)
NIBBLE_LM_TEAM_EFFECTS(ActivateOp)
NIBBLE_LM_TEAM_EFFECTS(PoolOp)
NIBBLE_LM_TEAM_EFFECTS(RopeOp)
NIBBLE_LM_TEAM_EFFECTS(AttentionOp)
NIBBLE_LM_TEAM_EFFECTS(AttentionCombineOp)
NIBBLE_LM_TEAM_EFFECTS(GluOp)
NIBBLE_LM_TEAM_EFFECTS(StateReadOp)
#undef NIBBLE_LM_TEAM_EFFECTS

/// Effects of an operation that writes some of its memref operands and reads the others.
static void addWriteEffects(Operation *op, ArrayRef<OpOperand *> written, Effects &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (llvm::is_contained(written, &operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

void KVAppendOp::getEffects(Effects &effects) {
  addWriteEffects(*this, {&getKeysMutable(), &getValuesMutable()}, effects);
}

void AttentionPartialsOp::getEffects(Effects &effects) {
  addTeamOpEffects(*this, getOuts(), effects);
  if (getK()) {
    effects.emplace_back(MemoryEffects::Write::get(), &getKeysMutable());
    effects.emplace_back(MemoryEffects::Write::get(), &getValuesMutable());
  }
}

void ShortConvOp::getEffects(Effects &effects) {
  addTeamOpEffects(*this, getOuts(), effects);
  effects.emplace_back(MemoryEffects::Write::get(), &getHistoryMutable());
}

void StateWriteOp::getEffects(Effects &effects) { addWriteEffects(*this, {&getStateMutable()}, effects); }

//===-- Partitions ---------------------------------------------------------===//

std::string headsPartition(int64_t heads) { return "heads " + std::to_string(heads); }

std::string blocksPartition(Value rows) {
  ArrayRef<int64_t> shape = shapeOf(rows);
  return shape[0] == 1 && shape[1] % 32 == 0 ? "blocks " + std::to_string(shape[1] / 32) : "";
}

/// How often the weight of a norm fits into a row.
static int64_t headsOf(Value x, Value weight) { return shapeOf(x)[1] / shapeOf(weight)[0]; }

int64_t RMSNormOp::getHeads() { return headsOf(getX(), getWeight()); }
int64_t LayerNormOp::getHeads() { return headsOf(getX(), getWeight()); }

/// One row that is normed as a whole is split by blocks of columns: each thread adds up the row, which is less than
/// what a barrier costs, and writes its blocks of the result. So it must not write over the row.
static bool splitsRow(Value x, int64_t heads, OperandRange outs) {
  return heads == 1 && !blocksPartition(x).empty() && (outs.empty() || outs.front() != x);
}

template <typename Norm> static std::string normPartition(Norm norm, OpOperand &operand) {
  if (!splitsRow(norm.getX(), norm.getHeads(), norm.getOuts()))
    return norm.getHeads() == 1 ? "rows" : headsPartition(norm.getHeads());
  return operand.get() == norm.getX() || operand.get() == norm.getWeight() ? "" : blocksPartition(norm.getX());
}
std::string RMSNormOp::getPartition(OpOperand &operand) { return normPartition(*this, operand); }
std::string LayerNormOp::getPartition(OpOperand &operand) { return normPartition(*this, operand); }

std::string RopeOp::getPartition(OpOperand &operand) {
  return operand.get() == getTable() ? "" : headsPartition(shapeOf(getX())[1] / getHeadDim());
}

std::string KVAppendOp::getPartition(OpOperand &operand) {
  return operand.getOperandNumber() < 2 ? headsPartition(shapeOf(getKeys())[1]) : "";
}

int64_t AttentionCombineOp::getColumnsAtOnce() {
  int64_t headDim = shapeOf(getPartials())[2] - 2;
  return getRotated() || headDim % 32 != 0 ? headDim : 32;
}

std::string AttentionCombineOp::getPartition(OpOperand &operand) {
  return operand.get() == getPartials() ? "" : getResultPartition();
}
std::string AttentionCombineOp::getResultPartition() {
  return getColumnsAtOnce() == 32 ? blocksPartition(produced(*this)) : "";
}

std::string ShortConvOp::getPartition(OpOperand &operand) {
  return operand.get() == getBcx() || getOuts().empty() ? std::string() : blocksPartition(getOuts().front());
}

std::string GluOp::getPartition(OpOperand &operand) { return blocksPartition(getGate()); }
std::string ActivateOp::getPartition(OpOperand &operand) { return blocksPartition(getX()); }
std::string ResidualOp::getPartition(OpOperand &operand) { return blocksPartition(getX()); }
std::string LogitsOp::getPartition(OpOperand &operand) { return blocksPartition(getX()); }

//===-- Symbols ------------------------------------------------------------===//

LogicalResult ModelOp::verify() {
  const std::pair<StringRef, int64_t> positive[] = {
      {"layers", getLayers()},         {"embedding", getEmbedding()},   {"heads", getHeads()},
      {"kv_heads", getKvHeads()},      {"head_dim", getHeadDim()},      {"feed_forward", getFeedForward()},
      {"vocabulary", getVocabulary()}, {"context", getContext()},       {"chunk", getChunk()}};
  for (auto [name, value] : positive)
    if (value <= 0)
      return emitOpError() << name << " must be positive, but is " << value;
  if (getHeads() % getKvHeads() != 0)
    return emitOpError() << "heads (" << getHeads() << ") must be a multiple of kv_heads (" << getKvHeads() << ")";
  return success();
}

LogicalResult WeightOp::verify() {
  if (getSources().empty())
    return emitOpError("needs at least one source");
  for (Attribute source : getSources())
    if (!isa<SourceAttr, RopeTableAttr, ColumnOrderAttr>(source))
      return emitOpError("takes sources of kind #lm.source, #lm.rope_table or #lm.column_order, but found ") << source;
  return success();
}

LogicalResult WeightRefOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "names no lm.weight: " << getWeightAttr();
  if (weight.getType() != getResult().getType())
    return emitOpError() << "has type " << getResult().getType() << ", but the weight has " << weight.getType();
  return success();
}

LogicalResult StateRefOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto state = symbols.lookupNearestSymbolFrom<StateOp>(*this, getStateAttr());
  if (!state)
    return emitOpError() << "names no lm.state: " << getStateAttr();
  if (state.getType() != getResult().getType())
    return emitOpError() << "has type " << getResult().getType() << ", but the state has " << state.getType();
  return success();
}

//===-- Verifiers ----------------------------------------------------------===//

LogicalResult EmbedOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getTokens(), "tokens", 1)) ||
      failed(expectRank(*this, produced(*this), "result", 2)))
    return failure();
  if (shapeOf(getTokens())[0] != shapeOf(produced(*this))[0])
    return emitOpError("gives one row a token");
  return success();
}

/// Rows in, rows out, and a weight of a row or of each head of one.
template <typename OpTy> static LogicalResult verifyNorm(OpTy op) {
  if (failed(verifyForm(op, op.getOuts())) || failed(expectRank(op, op.getX(), "x", 2)) ||
      failed(expectRank(op, op.getWeight(), "weight", 1)) ||
      failed(expectSameShape(op, op.getX(), produced(op), "x and result")))
    return failure();
  int64_t width = shapeOf(op.getX())[1], held = shapeOf(op.getWeight())[0];
  if (held < 1 || width % held != 0)
    return op.emitOpError() << "weight must hold " << width << " values or a divisor of it, but holds " << held;
  return success();
}

LogicalResult RMSNormOp::verify() {
  if (failed(verifyNorm(*this)))
    return failure();
  return getResidual() ? expectSameShape(*this, getX(), getResidual(), "x and residual") : success();
}

LogicalResult LayerNormOp::verify() {
  if (failed(verifyNorm(*this)))
    return failure();
  return getBias() ? expectSameShape(*this, getWeight(), getBias(), "weight and bias") : success();
}

LogicalResult ResidualOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)) ||
      failed(expectSameShape(*this, getX(), getBranch(), "x and branch")))
    return failure();
  return expectSameShape(*this, getX(), produced(*this), "x and result");
}

LogicalResult LogitsOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)))
    return failure();
  if (!getScale() && !getSoftcap())
    return emitOpError("needs a scale or a softcap; without both it is nothing");
  if (getSoftcap() && !(getSoftcap()->isFiniteNonZero() && !getSoftcap()->isNegative()))
    return emitOpError() << "softcap must be a positive number, but is " << getSoftcap()->convertToDouble();
  return expectSameShape(*this, getX(), produced(*this), "x and result");
}

LogicalResult ReorderOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)) ||
      failed(expectRank(*this, getOrder(), "order", 1)))
    return failure();
  auto order = cast<ShapedType>(getOrder().getType());
  if (!order.getElementType().isInteger(32) || order.getShape() != shapeOf(getX()).drop_front())
    return emitOpError() << "order must hold an i32 for each of the " << shapeOf(getX())[1] << " columns, but is "
                         << order;
  return failed(refuseInPlace(*this)) ? failure() : expectSameShape(*this, getX(), produced(*this), "x and result");
}

Value LinearOp::getActivations() { return getX(); }
Value LinearOp::getWeights() { return getWeight(); }
Value LinearOp::getBiasOrNull() { return getBias(); }
Value LinearOp::getValidRows() { return getN(); }

LogicalResult LinearOp::verify() {
  if (failed(expectRank(*this, getX(), "x", 2)) || failed(expectRank(*this, getWeight(), "weight", 2)) ||
      failed(expectRank(*this, getResult(), "result", 2)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX()), w = shapeOf(getWeight()), y = shapeOf(getResult());
  if (x[1] != w[1])
    return emitOpError() << "x has " << x[1] << " columns, but the weight has " << w[1];
  if (y[0] != x[0] || y[1] != w[0])
    return emitOpError() << "result must be " << x[0] << "x" << w[0] << ", but is " << y[0] << "x" << y[1];
  if (getBias() && shapeOf(getBias()) != w.take_front(1))
    return emitOpError() << "bias must hold " << w[0] << " values, but is " << getBias().getType();
  return success();
}

LogicalResult AddPositionsOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)) ||
      failed(expectRank(*this, getTable(), "table", 2)) || failed(expectRank(*this, getTypes(), "types", 2)) ||
      failed(expectSameShape(*this, getX(), produced(*this), "x and result")))
    return failure();
  int64_t width = shapeOf(getX())[1];
  if (shapeOf(getTable())[1] != width || shapeOf(getTypes())[1] != width || shapeOf(getTypes())[0] < 1)
    return emitOpError() << "adds rows of " << width << " values, but table is " << getTable().getType()
                         << " and types " << getTypes().getType();
  return success();
}

LogicalResult ActivateOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)))
    return failure();
  return expectSameShape(*this, getX(), produced(*this), "x and result");
}

LogicalResult PoolOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)))
    return failure();
  if (shapeOf(produced(*this)) != ArrayRef<int64_t>{1, shapeOf(getX())[1]})
    return emitOpError() << "gives one row of " << shapeOf(getX())[1] << " values, but the result is "
                         << produced(*this).getType();
  return success();
}

LogicalResult GluOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getGate(), "gate", 2)) ||
      failed(expectSameShape(*this, getGate(), getUp(), "gate and up")))
    return failure();
  return expectSameShape(*this, getGate(), produced(*this), "gate and result");
}

} // namespace nibble::lm
