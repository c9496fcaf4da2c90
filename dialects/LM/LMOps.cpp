//===- LMOps.cpp - verifiers, effects and registration of lm --------------===//
#include "dialects/LM/CacheLayout.h"
#include "dialects/LM/OpChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

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

/// Checks a table of angles for heads of `headDim` dimensions.
static LogicalResult verifyRopeTable(Operation *op, Value table, int64_t headDim) {
  if (failed(expectRank(op, table, "table", 3)))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(table);
  if (shape[0] <= kRopeFineRows || shape[2] != 2 || 2 * shape[1] > headDim)
    return op->emitOpError() << "table must be (64 + strides) x (at most head_dim / 2) x 2, but is " << table.getType();
  return success();
}

/// The same where an operation rotates what it reads: the table and the pairing, or neither.
template <typename OpTy> static LogicalResult verifyRotation(OpTy op) {
  if (bool(op.getTable()) != bool(op.getPairing()))
    return op.emitOpError("rotates with a table and a pairing, but has one of the two only");
  return op.getTable() ? verifyRopeTable(op, op.getTable(), shapeOf(op.getKeys())[3]) : success();
}

LogicalResult RopeOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)) ||
      failed(expectRank(*this, getTable(), "table", 3)) ||
      failed(expectSameShape(*this, getX(), produced(*this), "x and result")))
    return failure();
  if (getHeadDim() <= 0 || shapeOf(getX())[1] % getHeadDim() != 0)
    return emitOpError() << "width " << shapeOf(getX())[1] << " is no multiple of head_dim " << getHeadDim();
  return verifyRopeTable(*this, getTable(), getHeadDim());
}

/// Checks keys and values of a cache against each other and the width of a row of keys.
static LogicalResult verifyCache(Operation *op, Value keys, Value values, int64_t rowWidth, int64_t heads) {
  if (failed(expectRank(op, keys, "keys", 4)) || failed(expectSameShape(op, keys, values, "keys and values")))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(keys);
  if (shape[2] % kKeyBlock != 0)
    return op->emitOpError() << "needs a cache of a multiple of " << kKeyBlock << " positions, but has " << shape[2];
  for (Value cache : {keys, values}) {
    auto type = cast<MemRefType>(cache.getType());
    std::optional<CacheLayout> layout = CacheLayout::get(type);
    if (!layout)
      return op->emitOpError() << "takes a cache of f32, f16 or !lm.cached, but found " << type.getElementType();
    if (layout->quantized && shape[3] % kCacheUnit != 0)
      return op->emitOpError() << "quantizes heads of a multiple of " << kCacheUnit << " dimensions, but they have "
                               << shape[3];
  }
  if (heads * shape[3] != rowWidth)
    return op->emitOpError() << "has rows of " << rowWidth << " values, but " << heads << " heads of " << shape[3];
  return success();
}

LogicalResult KVAppendOp::verify() {
  if (failed(expectRank(*this, getK(), "k", 2)) || failed(expectRank(*this, getV(), "v", 2)) ||
      failed(expectRank(*this, getKeys(), "keys", 4)))
    return failure();
  if (shapeOf(getK()) != shapeOf(getV()))
    return emitOpError("k and v must have one shape");
  if (failed(verifyCache(*this, getKeys(), getValues(), shapeOf(getK())[1], shapeOf(getKeys())[1])))
    return failure();
  return verifyRotation(*this);
}

/// What attention in one piece and in records have in common.
template <typename OpTy> static LogicalResult verifyAttention(OpTy op) {
  if (failed(verifyForm(op, op.getOuts())) || failed(expectRank(op, op.getQ(), "q", 2)) ||
      failed(verifyCache(op, op.getKeys(), op.getValues(), shapeOf(op.getQ())[1], op.getHeads())) ||
      failed(verifyRotation(op)))
    return failure();
  if (shapeOf(op.getKeys())[1] != static_cast<int64_t>(op.getKvHeads()))
    return op.emitOpError() << "kv_heads is " << op.getKvHeads() << ", but the cache holds "
                            << shapeOf(op.getKeys())[1];
  if (op.getKvHeads() == 0 || op.getHeads() % op.getKvHeads() != 0)
    return op.emitOpError() << "heads (" << op.getHeads() << ") must be a multiple of kv_heads (" << op.getKvHeads()
                            << ")";
  if (op.getSoftcap() && !(op.getSoftcap()->isFiniteNonZero() && !op.getSoftcap()->isNegative()))
    return op.emitOpError() << "softcap must be a positive number, but is " << op.getSoftcap()->convertToDouble();
  // The first row of a window's ring must not have been overwritten by the last one.
  int64_t rows = shapeOf(op.getQ())[0], positions = shapeOf(op.getKeys())[2];
  auto module = op->template getParentOfType<ModuleOp>();
  ModelOp model = module ? getModel(module) : ModelOp();
  int64_t kept =
      op.getWindow() ? static_cast<int64_t>(*op.getWindow()) + rows - 1 : std::numeric_limits<int64_t>::max();
  if (model && positions < std::min<int64_t>(kept, model.getContext()))
    return op.emitOpError() << "needs a cache of " << std::min<int64_t>(kept, model.getContext())
                            << " positions, but has " << positions;
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyAttention(*this)))
    return failure();
  if (getBidirectional() && getWindow())
    return emitOpError("is bidirectional, which a window is not defined for");
  return expectSameShape(*this, getQ(), produced(*this), "q and result");
}

LogicalResult AttentionPartialsOp::verify() {
  if (failed(verifyAttention(*this)) || failed(expectRank(*this, produced(*this), "result", 3)))
    return failure();
  if (shapeOf(getQ())[0] != 1)
    return emitOpError() << "takes one row, but q has " << shapeOf(getQ())[0];
  int64_t keyColumns = shapeOf(getKeys())[1] * shapeOf(getKeys())[3];
  for (Value appended : {getK(), getV()})
    if (appended && shapeOf(appended) != ArrayRef<int64_t>{1, keyColumns})
      return emitOpError() << "appends a row of " << keyColumns << " values, but found " << appended.getType();
  int64_t headDim = shapeOf(getKeys())[3], heads = getHeads();
  int64_t seen = shapeOf(getKeys())[2];
  if (getWindow()) // it may begin and end inside a chunk
    seen = std::min<int64_t>(*getWindow(), seen) + kAttentionChunk - 1;
  ArrayRef<int64_t> records = shapeOf(produced(*this));
  if (records[0] * kAttentionChunk < seen || records[1] != heads || records[2] != headDim + 2)
    return emitOpError() << "needs records of (at least " << llvm::divideCeil(seen, kAttentionChunk) << ") x " << heads
                         << " x " << headDim + 2 << ", but has " << produced(*this).getType();
  return success();
}

LogicalResult AttentionCombineOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getPartials(), "partials", 3)) ||
      failed(expectRank(*this, produced(*this), "result", 2)))
    return failure();
  ArrayRef<int64_t> records = shapeOf(getPartials()), row = shapeOf(produced(*this));
  if (row[0] != 1 || row[1] != records[1] * (records[2] - 2))
    return emitOpError() << "gives one row of " << records[1] << " heads of " << records[2] - 2
                         << " values, but the result is " << produced(*this).getType();
  return success();
}

LogicalResult ShortConvOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getBcx(), "bcx", 2)) ||
      failed(expectRank(*this, getWeight(), "weight", 2)) || failed(expectRank(*this, getHistory(), "history", 3)) ||
      failed(expectRank(*this, produced(*this), "result", 2)))
    return failure();
  ArrayRef<int64_t> rows = shapeOf(getBcx()), result = shapeOf(produced(*this));
  int64_t channels = shapeOf(getWeight())[0];
  if (rows[0] != result[0] || result[1] != channels || rows[1] != 3 * channels)
    return emitOpError() << "takes rows of 3 x " << channels << " values to rows of " << channels << ", but bcx is "
                         << getBcx().getType() << " and the result " << produced(*this).getType();
  if (shapeOf(getHistory())[2] != channels)
    return emitOpError() << "history must hold " << channels << " channels, but is " << getHistory().getType();
  return success();
}

LogicalResult GluOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getGate(), "gate", 2)) ||
      failed(expectSameShape(*this, getGate(), getUp(), "gate and up")))
    return failure();
  return expectSameShape(*this, getGate(), produced(*this), "gate and result");
}

LogicalResult StateWriteOp::verify() {
  if (failed(expectRank(*this, getX(), "x", 2)) || failed(expectRank(*this, getState(), "state", 2)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX()), state = shapeOf(getState());
  if (x[1] != state[1] || x[0] > state[0])
    return emitOpError() << "stores " << x[0] << " rows of " << x[1] << " values in a state of " << state[0]
                         << " rows of " << state[1];
  return success();
}

LogicalResult StateReadOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getState(), "state", 2)))
    return failure();
  ArrayRef<int64_t> row = shapeOf(produced(*this));
  if (row.size() != 2 || row[0] != 1 || row[1] != shapeOf(getState())[1])
    return emitOpError("gives one row of the state");
  return success();
}

} // namespace nibble::lm
