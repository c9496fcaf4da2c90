//===- LMStateOps.cpp - verifiers of what depends on positions ------------===//
//
// Rotations, attention and its caches, short convolutions, and rows that outlive a call.
//
//===----------------------------------------------------------------------===//
#include "dialects/LM/CacheLayout.h"
#include "dialects/LM/OpChecks.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;

namespace nibble::lm {

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
