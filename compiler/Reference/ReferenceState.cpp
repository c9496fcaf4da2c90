//===- ReferenceState.cpp - operations of state ---------------------------===//
//
// See ReferenceFrame.h. Caches of keys and values, histories of convolutions, and what is saved of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/ReferenceFrame.h"

using namespace mlir;
using namespace nibble;
using namespace nibble::reference;

static LogicalResult checkLayer(Operation *op, int64_t layer,
                                const State &cache) {
  if (layer >= 0 && layer < cache.shape[0])
    return success();
  return op->emitError() << "layer " << layer << " is outside a cache of "
                         << cache.shape[0] << " layers";
}

template <typename OpTy> Rows ReferenceInterpreter::Frame::rotated(OpTy op, const Rows &x, int64_t n) {
  if (!op.getTable())
    return x;
  return rope(x, weight(op.getTable()), cast<MemRefType>(op.getKeys().getType()).getDimSize(3), *op.getPairing(),
              index(op.getPos()), n);
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::KVAppendOp op) {
  const Rows &keys = rows(op.getK());
  State &keyCache = state(op.getKeys()), &valueCache = state(op.getValues());
  int64_t layer = index(op.getLayer()), pos = index(op.getPos());
  FailureOr<int64_t> n = validAt(op, op.getN(), keys.count, op.getPos(),
                                 owner.positionsOf(keyCache));
  if (failed(n) || failed(checkLayer(op, layer, keyCache)))
    return failure();
  appendToCache(rotated(op, keys, *n), keyCache, layer, pos, *n);
  appendToCache(rows(op.getV()), valueCache, layer, pos, *n);
  return success();
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::AttentionOp op) {
  const Rows &q = rows(op.getQ());
  const State &keys = state(op.getKeys()), &values = state(op.getValues());
  int64_t layer = index(op.getLayer());
  FailureOr<int64_t> n =
      validAt(op, op.getN(), q.count, op.getPos(), owner.positionsOf(keys));
  if (failed(n) || failed(checkLayer(op, layer, keys)))
    return failure();
  AttentionScores how{int64_t(op.getHeads()), op.getScale().convertToDouble(),
                      int64_t(op.getWindow().value_or(0)),
                      op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0,
                      op.getBidirectional()};
  return set(op.getResult(), attention(rotated(op, q, *n), keys, values, how, layer,
                                       index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ShortConvOp op) {
  const Rows &bcx = rows(op.getBcx());
  State &history = state(op.getHistory());
  int64_t layer = index(op.getLayer());
  FailureOr<int64_t> n =
      validAt(op, op.getN(), bcx.count, op.getPos(), history.shape[1]);
  if (failed(n) || failed(checkLayer(op, layer, history)))
    return failure();
  return set(op.getResult(), shortConv(bcx, weight(op.getWeight()).decodeAll(),
                                       history, layer, index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::StateWriteOp op) {
  const Rows &x = rows(op.getX());
  State &target = state(op.getState());
  FailureOr<int64_t> n =
      valid(op, op.getN(), std::min(x.count, target.shape[0]));
  if (failed(n))
    return failure();
  for (int64_t element = 0; element < *n * x.width; ++element)
    target.store(element, x.values[element]);
  return success();
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::StateReadOp op) {
  const State &source = state(op.getState());
  int64_t row = index(op.getRow()), width = source.shape[1];
  if (row < 0 || row >= source.shape[0])
    return op.emitError() << "row " << row << " is outside a state of "
                          << source.shape[0] << " rows";
  Rows result(1, width);
  std::copy_n(source.values.begin() + row * width, width, result.row(0));
  return set(op.getResult(), std::move(result));
}
