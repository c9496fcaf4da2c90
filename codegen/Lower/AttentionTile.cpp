//===- AttentionTile.cpp - rows, chunks and records of attention ----------===//
//
// See AttentionTile.h. Blocks that a company of streams sees whole are done together, the others stream by stream.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/AttentionTile.h"

#include "codegen/Lower/VectorMath.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

constexpr int64_t kBlock = lm::kKeyBlock, kChunk = lm::kAttentionChunk;

/// Streams that a tile has at least: four companies of three share what is decoded for them.
constexpr int64_t kTileStreams = 12;

JoinFactors joinRecord(KernelBuilder &k, JoinedRecords so, Value maximum, Value sum) {
  Value next = emitGreater(k, maximum, so.maximum);
  Value steps = k.insert(k.subf(so.maximum, next), k.zero(k.vec(k.f32(), 4)), 0);
  Value factors = emitExp(k, k.insert(k.subf(maximum, next), steps, 1));
  Value before = k.extract(factors, 0), record = k.extract(factors, 1);
  return {{next, k.fma(record, sum, k.mulf(before, so.sum))}, before, record};
}

Value joinVectors(KernelBuilder &k, const JoinFactors &factors, Value before, Value record) {
  int64_t lanes = KernelBuilder::lanes(before);
  return k.fma(k.splat(factors.record, lanes), record, k.mulf(k.splat(factors.before, lanes), before));
}

void AttentionTile::addBlock(Value first) const {
  Value place = k.divu(k.remu(first, shape.positions), kBlock);
  Value keyBlock = k.offset(keys, k.mul(place, shape.keys.blockBytes()));
  Value valueBlock = k.offset(values, k.mul(place, shape.values.blockBytes()));
  block.decode(keyBlock, valueBlock);
  auto single = [&](Value stream) {
    Value low = k.maxs(k.sub(startOf(stream), first), k.i64(0));
    Value high = k.mins(k.sub(endOf(stream), first), kBlock);
    k.ifThen(k.slt(low, high), [&] { block.addSome(stream, keyBlock, valueBlock, low, high); });
  };
  int64_t company = shape.company();
  Value whole = k.mul(k.divu(streams, company), company);
  k.loop(k.i64(0), whole, company, [&](Value stream) {
    Value behind = k.add(stream, company);
    Value seen = k.bitAnd(k.sge(first, startOf(k.sub(behind, 1))), k.sge(endOf(stream), k.add(first, kBlock)));
    k.ifElse(
        seen, [&] { block.addAll(company, stream, keyBlock, valueBlock); },
        [&] { k.loop(stream, behind, 1, single); });
  });
  k.loop(whole, streams, 1, single);
}

void AttentionTile::addChunk(Value first) const {
  k.loop(k.i64(0), streams, 1, [&](Value stream) { block.clear(stream); });
  Value start = startOf(k.i64(0));
  Value from = k.maxs(first, k.sub(start, k.remu(start, kBlock)));
  k.loop(from, k.mins(k.add(first, kChunk), endOf(lastStream())), kBlock, [&](Value at) { addBlock(at); });
  k.loop(k.i64(0), streams, 1, [&](Value stream) { block.finish(stream); });
}

template <typename OpTy> FailureOr<AttentionShape> attentionShapeOf(OpTy op, int64_t rows) {
  if (failed(requireContiguous(op, op.getKeys(), "keys")) || failed(requireContiguous(op, op.getValues(), "values")))
    return failure();
  auto keys = cast<MemRefType>(op.getKeys().getType()), values = cast<MemRefType>(op.getValues().getType());
  int64_t heads = op.getHeads(), group = heads / int64_t(op.getKvHeads());
  return AttentionShape{heads,
                        int64_t(op.getKvHeads()),
                        keys.getDimSize(3),
                        keys.getDimSize(2),
                        static_cast<float>(op.getScale().convertToDouble()),
                        int64_t(op.getWindow().value_or(0)),
                        op.getSoftcap() ? static_cast<float>(op.getSoftcap()->convertToDouble()) : 0,
                        *lm::CacheLayout::get(keys),
                        *lm::CacheLayout::get(values),
                        std::min<int64_t>(rows, llvm::divideCeil(kTileStreams, group))};
}

template FailureOr<AttentionShape> attentionShapeOf(lm::AttentionOp op, int64_t rows);
template FailureOr<AttentionShape> attentionShapeOf(lm::AttentionPartialsOp op, int64_t rows);

std::string nameOf(const AttentionShape &shape) {
  std::string name =
      llvm::formatv("{0}h_{1}x{2}x{3}_{4}_{5}_s{6}", shape.heads, shape.kvHeads, shape.positions, shape.headDim,
                    cacheName(shape.keys), cacheName(shape.values), floatName(shape.scale));
  if (shape.window)
    name += "_w" + std::to_string(shape.window);
  if (shape.softcap != 0)
    name += "_c" + floatName(shape.softcap);
  return name;
}

Value headOf(KernelBuilder &k, const AttentionShape &shape, const lm::CacheLayout &layout, Value base, Value layer,
             Value kvHead) {
  Value head = k.add(k.mul(layer, shape.kvHeads), kvHead);
  return k.offset(base, k.mul(head, shape.positions / kBlock * layout.blockBytes()));
}

} // namespace nibble
