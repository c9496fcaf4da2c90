//===- SplitAttention.cpp - pass lm-split-attention ------------------------===//
//
// A single row has few heads, and a model with grouped heads fewer cached ones: less than a team has threads, at a
// length where the cache is what a token costs. So the attention of one row is done in two steps, of which the first
// has an item of work for each chunk of positions.
//
//===----------------------------------------------------------------------===//
#include "compiler/Tile/Passes.h"
#include "dialects/LM/LM.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_SPLITATTENTION
#include "compiler/Tile/Passes.h.inc"

namespace {

/// Chunks of which one row can see positions at a time.
int64_t chunksOf(lm::AttentionOp op) {
  int64_t positions = cast<MemRefType>(op.getKeys().getType()).getDimSize(2);
  if (op.getWindow()) // a window may begin and end inside a chunk
    positions = std::min<int64_t>(positions, *op.getWindow()) + lm::kAttentionChunk - 1;
  return llvm::divideCeil(positions, lm::kAttentionChunk);
}

void split(lm::AttentionOp op) {
  OpBuilder builder(op);
  auto keys = cast<MemRefType>(op.getKeys().getType()), values = cast<MemRefType>(op.getValues().getType());
  auto records = RankedTensorType::get({chunksOf(op), int64_t(op.getHeads()), keys.getDimSize(3) + 2},
                                       builder.getF32Type());
  Value partials = lm::AttentionPartialsOp::create(builder, op.getLoc(), records, op.getQ(), op.getKeys(),
                                                   op.getValues(), op.getLayer(), op.getPos(), op.getTable(),
                                                   /*k=*/Value(), /*v=*/Value(), op.getHeads(), op.getKvHeads(),
                                                   op.getScale(), op.getWindowAttr(), op.getSoftcapAttr(),
                                                   op.getPairingAttr(), /*slot=*/nullptr, ValueRange())
                       .getResult();
  auto cached = dyn_cast<lm::CachedType>(values.getElementType());
  bool rotated = cached && cached.getFormat() == lm::CacheFormat::Q4;
  auto combined = lm::AttentionCombineOp::create(builder, op.getLoc(), op.getResult().getType(), partials, op.getPos(),
                                                 op.getWindowAttr(), rotated, ValueRange());
  op.getResult().replaceAllUsesWith(combined.getResult());
  op.erase();
}

struct SplitAttention : impl::SplitAttentionBase<SplitAttention> {
  void runOnOperation() override {
    SmallVector<lm::AttentionOp> ops;
    getOperation().walk([&](lm::AttentionOp op) {
      auto q = dyn_cast<RankedTensorType>(op.getQ().getType());
      int64_t positions = cast<MemRefType>(op.getKeys().getType()).getDimSize(2);
      if (q && q.getDimSize(0) == 1 && positions > lm::kAttentionChunk)
        ops.push_back(op);
    });
    for (lm::AttentionOp op : ops)
      split(op);
  }
};

} // namespace
} // namespace nibble
