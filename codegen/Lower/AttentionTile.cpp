//===- AttentionTile.cpp - rows, chunks and records of attention ----------===//
//
// See AttentionTile.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/AttentionTile.h"

#include "codegen/Lower/VectorMath.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

constexpr int64_t kBlock = lm::kKeyBlock, kChunk = lm::kAttentionChunk;

/// Streams that a tile has at least: they share what is decoded for them. Those of wide heads are fewer, so that their
/// scratch memory fits the stack of a thread.
static int64_t tileStreams(int64_t headDim) { return headDim <= 256 ? 24 : 12; }

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

AttentionBlock::Seen AttentionTile::seenBy(Value stream, Value first) const {
  return {k.maxs(k.sub(startOf(stream), first), k.i64(0)), k.mins(k.sub(endOf(stream), first), kBlock)};
}

/// Companies of so many streams, then those that are left one by one; `whole` if all of them see the whole block of
/// positions from `first` on, the frequent case.
void AttentionTile::forEachCompany(Value first, int64_t company, Company visit) const {
  Value together = k.mul(k.divu(streams, company), company);
  k.loop(k.i64(0), together, company, [&](Value stream) {
    Value last = k.add(stream, company - 1);
    Value whole = k.bitAnd(k.sge(first, startOf(last)), k.sge(endOf(stream), k.add(first, kBlock)));
    k.ifElse(whole, [&] { visit(company, stream, true); }, [&] { visit(company, stream, false); });
  });
  k.loop(together, streams, 1, [&](Value stream) { visit(1, stream, false); });
}

void AttentionTile::addScores(Value first, Value at) const {
  Value keyBlock = shape.blockOf(k, shape.keys, keys, first);
  block.decodeKeys(keyBlock);
  forEachCompany(first, shape.scoreCompany(), [&](int64_t count, Value stream, bool whole) {
    SmallVector<Seen> seen;
    for (int64_t i = 0; !whole && i < count; ++i)
      seen.push_back(seenBy(k.add(stream, i), first));
    block.addScores(count, stream, keyBlock, at, seen);
  });
}

/// What all of a company see is done together; what only some see, before it and behind it, by each on its own.
void AttentionTile::addValues(Value first, Value at) const {
  Value valueBlock = shape.blockOf(k, shape.values, values, first);
  block.decodeValues(valueBlock);
  auto alone = [&](Value stream, Value low, Value high) {
    k.ifThen(k.slt(low, high), [&] { block.addValues(1, stream, valueBlock, at, {low, high}); });
  };
  forEachCompany(first, shape.valueCompany(), [&](int64_t count, Value stream, bool whole) {
    if (whole)
      return block.addValues(count, stream, valueBlock, at, {});
    Seen own = seenBy(stream, first);
    if (count == 1)
      return alone(stream, own.low, own.high);
    Value behind = k.add(stream, count), low = seenBy(k.sub(behind, 1), first).low, some = k.slt(low, own.high);
    low = k.select(some, low, k.i64(kBlock));
    Value high = k.select(some, own.high, k.i64(kBlock));
    k.loop(stream, behind, 1, [&](Value one) {
      Seen seen = seenBy(one, first);
      alone(one, seen.low, k.mins(seen.high, low));
    });
    k.ifThen(some, [&] { block.addValues(count, stream, valueBlock, at, {low, high}); });
    k.loop(stream, behind, 1, [&](Value one) {
      Seen seen = seenBy(one, first);
      alone(one, k.maxs(seen.low, high), seen.high);
    });
  });
  if (shape.values.hasMinima())
    k.loop(k.i64(0), streams, 1, [&](Value stream) { block.addMinima(stream, valueBlock, at); });
}

void AttentionTile::addChunk(Value first) const {
  k.loop(k.i64(0), streams, 1, [&](Value stream) { block.clear(stream); });
  Value start = startOf(k.i64(0));
  Value from = k.maxs(first, k.sub(start, k.remu(start, kBlock)));
  Value to = k.mins(k.add(first, kChunk), endOf(lastStream()));
  k.loop(from, to, kBlock, [&](Value position) { addScores(position, k.sub(position, first)); });
  k.loop(k.i64(0), streams, 1, [&](Value stream) { block.makeWeights(stream, k.sub(from, first), k.sub(to, first)); });
  k.loop(from, to, kBlock, [&](Value position) { addValues(position, k.sub(position, first)); });
  k.loop(k.i64(0), streams, 1, [&](Value stream) { block.finish(stream); });
}

template <typename OpTy> FailureOr<AttentionShape> attentionShapeOf(OpTy op, int64_t rows) {
  FailureOr<CacheShape> cache = CacheShape::get(op, op.getKeys(), op.getValues());
  if (failed(cache))
    return failure();
  int64_t heads = op.getHeads(), group = heads / cache->kvHeads;
  return AttentionShape{*cache,
                        heads,
                        static_cast<float>(op.getScale().convertToDouble()),
                        int64_t(op.getWindow().value_or(0)),
                        op.getSoftcap() ? static_cast<float>(op.getSoftcap()->convertToDouble()) : 0,
                        std::min<int64_t>(rows, llvm::divideCeil(tileStreams(cache->headDim), group))};
}

template FailureOr<AttentionShape> attentionShapeOf(lm::AttentionOp op, int64_t rows);
template FailureOr<AttentionShape> attentionShapeOf(lm::AttentionPartialsOp op, int64_t rows);

std::string nameOf(const AttentionShape &shape) {
  std::string name = llvm::formatv("{0}h_{1}_s{2}", shape.heads, shape.name(), floatName(shape.scale));
  if (shape.window)
    name += "_w" + std::to_string(shape.window);
  if (shape.softcap != 0)
    name += "_c" + floatName(shape.softcap);
  return name;
}

} // namespace nibble
