//===- FuseRope.cpp - pass lm-fuse-rope -----------------------------------===//
//
// Who reads a query rotates it, who writes a key to the cache rotates that, and where one row meets a cache in chunks,
// the thread that has the row's own chunk writes its key and value: then nothing lies between the product that makes
// queries, keys and values and the attention to them, but one barrier.
//
//===----------------------------------------------------------------------===//
#include "compiler/Tile/Passes.h"
#include "dialects/LM/LM.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_FUSEROPE
#include "compiler/Tile/Passes.h.inc"

namespace {

/// The rows that an operation counts as valid; one, where it takes one row.
Value rowsOf(lm::KVAppendOp op) { return op.getN(); }
Value rowsOf(lm::AttentionOp op) { return op.getN(); }
Value rowsOf(lm::AttentionPartialsOp) { return {}; }

/// Lets `op` rotate what it reads as `rows` from position `op.pos` on.
template <typename OpTy> void takeRotation(OpTy op, OpOperand &rows) {
  auto rope = rows.get().getDefiningOp<lm::RopeOp>();
  int64_t headDim = cast<MemRefType>(op.getKeys().getType()).getDimSize(3);
  if (!rope || !rope->hasOneUse() || op.getTable() || rope.getPos() != op.getPos() ||
      int64_t(rope.getHeadDim()) != headDim)
    return;
  if (Value n = rowsOf(op); n && n != rope.getN())
    return;
  rows.set(rope.getX());
  op.getTableMutable().assign(rope.getTable());
  op.setPairingAttr(rope.getPairingAttr());
  rope.erase();
}

/// Whether two operands are one weight, or both absent: importers refer to a table for each rotation.
bool areSame(Value a, Value b) {
  if (a == b)
    return true;
  auto first = a ? a.getDefiningOp<lm::WeightRefOp>() : lm::WeightRefOp();
  auto second = b ? b.getDefiningOp<lm::WeightRefOp>() : lm::WeightRefOp();
  return first && second && first.getWeightAttr() == second.getWeightAttr();
}

/// The operation that appends the row's key and value to the cache, if `op` can do it: it is the next one that touches
/// the cache, rotates alike, and has one row.
lm::KVAppendOp appendBefore(lm::AttentionPartialsOp op) {
  for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode()) {
    bool touches = llvm::any_of(before->getOperands(), [&](Value operand) {
      return operand == op.getKeys() || operand == op.getValues();
    });
    if (!touches && before->getNumRegions() == 0)
      continue;
    auto append = dyn_cast<lm::KVAppendOp>(before);
    bool fits = append && append.getKeys() == op.getKeys() && append.getValues() == op.getValues() &&
                append.getLayer() == op.getLayer() && append.getPos() == op.getPos() &&
                areSame(append.getTable(), op.getTable()) && append.getPairing() == op.getPairing() &&
                cast<RankedTensorType>(append.getK().getType()).getDimSize(0) == 1;
    return fits ? append : lm::KVAppendOp();
  }
  return {};
}

struct FuseRope : impl::FuseRopeBase<FuseRope> {
  void runOnOperation() override {
    getOperation().walk([](lm::KVAppendOp op) { takeRotation(op, op.getKMutable()); });
    getOperation().walk([](lm::AttentionOp op) { takeRotation(op, op.getQMutable()); });
    SmallVector<lm::AttentionPartialsOp> partials;
    getOperation().walk([&](lm::AttentionPartialsOp op) { partials.push_back(op); });
    for (lm::AttentionPartialsOp op : partials) {
      takeRotation(op, op.getQMutable());
      lm::KVAppendOp append = op.getK() ? lm::KVAppendOp() : appendBefore(op);
      if (!append)
        continue;
      op.getKMutable().assign(append.getK());
      op.getVMutable().assign(append.getV());
      append.erase();
    }
  }
};

} // namespace
} // namespace nibble
