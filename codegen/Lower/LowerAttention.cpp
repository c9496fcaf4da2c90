//===- LowerAttention.cpp - attention → kernels ---------------------------===//
//
// Causal attention of rows over the cache, y = softmax(scale · q Kᵀ) V, as AttentionTile.h defines it.
//
// Work: (cached head, tile of rows). All heads of the group over all rows of a tile read a block of the cache while it
// is in the nearest memory; records are joined as they come.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/AttentionTile.h"
#include "codegen/Lower/HandOut.h"
#include "codegen/Lower/HeadRotation.h"
#include "codegen/Lower/LowerOps.h"

#include "llvm/Support/FormatVariadic.h"

#include <limits>

using namespace mlir;

namespace nibble {

namespace {

constexpr int64_t kChunk = lm::kAttentionChunk;

/// y = A / L, turned back where values are rotated.
void finishHead(KernelBuilder &k, const TargetInfo &target, const AttentionShape &shape, Value total, Value sum,
                Value y) {
  forEachPiece(k, shape.headDim, [&](Value offset, int64_t lanes) {
    Value number = k.load(k.vec(k.f32(), lanes), k.at(total, k.f32(), offset));
    k.store(k.divf(number, k.splat(sum, lanes)), k.at(y, k.f32(), offset));
  });
  if (shape.values.rotated)
    CacheCodec(k, target, shape.values).rotate(y);
}

/// The whole of lm.attention for one tile: records are joined as they come.
struct StreamingEmitter {
  KernelBuilder &k;
  const TargetInfo &target;
  const AttentionTile &tile;
  Value totals, maxima, sums; ///< scratch: A, M and L of each stream

  Value place(Value base, Value stream) const { return k.at(base, k.f32(), stream); }

  void join(Value stream) const {
    JoinFactors factors = joinRecord(k, {k.load(k.f32(), place(maxima, stream)), k.load(k.f32(), place(sums, stream))},
                               tile.maximumOf(stream), tile.sumOf(stream));
    k.store(factors.next.maximum, place(maxima, stream));
    k.store(factors.next.sum, place(sums, stream));
    Value total = tile.vectorOf(totals, stream), record = tile.vectorOf(tile.scratch.sums, stream);
    forEachPiece(k, tile.shape.headDim, [&](Value offset, int64_t lanes) {
      Type type = k.vec(k.f32(), lanes);
      Value at = k.at(total, k.f32(), offset);
      k.store(joinVectors(k, factors, k.load(type, at), k.load(type, k.at(record, k.f32(), offset))), at);
    });
  }

  /// `yOf`: where a stream's result goes; `qOf`: where its query is.
  void emit(function_ref<Value(Value)> qOf, function_ref<Value(Value)> yOf) const {
    k.loop(k.i64(0), tile.streams, 1, [&](Value stream) {
      tile.block.begin(stream, qOf(stream));
      k.store(k.constant(k.f32(), -std::numeric_limits<double>::infinity()), place(maxima, stream));
      k.store(k.zero(k.f32()), place(sums, stream));
      Value total = tile.vectorOf(totals, stream);
      forEachPiece(k, tile.shape.headDim, [&](Value offset, int64_t lanes) {
        k.store(k.zero(k.vec(k.f32(), lanes)), k.at(total, k.f32(), offset));
      });
    });
    k.loop(tile.firstChunk(), tile.endOf(tile.lastStream()), kChunk, [&](Value first) {
      tile.addChunk(first);
      k.loop(k.i64(0), tile.streams, 1, [&](Value stream) {
        // A record of no position is none: rows of a tile may see different chunks.
        Value seen = k.bitAnd(k.slt(first, tile.endOf(stream)), k.slt(tile.startOf(stream), k.add(first, kChunk)));
        k.ifThen(seen, [&] { join(stream); });
      });
    });
    k.loop(k.i64(0), tile.streams, 1, [&](Value stream) {
      finishHead(k, target, tile.shape, tile.vectorOf(totals, stream), k.load(k.f32(), place(sums, stream)),
                 yOf(stream));
    });
  }
};

} // namespace

LogicalResult lowerAttention(Operation *op, KernelLibrary &library) {
  auto attention = cast<lm::AttentionOp>(op);
  Value out = attention.getOuts().front();
  FailureOr<RowBuffer> q = RowBuffer::get(op, attention.getQ(), "q"), y = RowBuffer::get(op, out, "result");
  if (failed(q) || failed(y))
    return failure();
  FailureOr<AttentionShape> found = attentionShapeOf(attention, q->rows);
  if (failed(found))
    return failure();
  const AttentionShape &shape = *found;
  std::string name = llvm::formatv("attention_{0}_q{1}_y{2}_t{3}{4}", nameOf(shape), q->stride, y->stride, shape.rows,
                                   attention.getBidirectional() ? "_both" : "");
  SmallVector<Value> buffers = {attention.getQ(), attention.getKeys(), attention.getValues(), out};
  auto rotation = HeadRotation::ofClause(op, attention.getTable(), attention.getPairing(), shape.headDim);
  if (failed(rotation))
    return failure();
  if (*rotation) {
    name += "_rope_" + (*rotation)->name();
    buffers.push_back(attention.getTable());
  }
  SmallVector<Value> scalars = {attention.getLayer(), attention.getPos(), attention.getN()};
  bool claimed = attention.getSlot().has_value();
  if (failed(addClaimSource(op, attention.getSlot(), library, buffers, scalars)))
    return failure();
  if (claimed)
    name += "_claimed";

  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value layer = scalars[0], pos = scalars[1], n = scalars[2];
    AttentionScratch scratch = AttentionScratch::allocate(k, shape);
    AttentionBlock block(k, library.target(), shape, scratch);
    int64_t streams = shape.streams();
    Value totals = k.stack(k.f32(), streams * shape.headDim), maxima = k.stack(k.f32(), streams),
          sums = k.stack(k.f32(), streams);
    Value tiles = k.divu(k.add(n, shape.rows - 1), shape.rows);
    ClaimSource claims = claimSourceOf(claimed, pointers, scalars);
    handOutItems(k, k.mul(tiles, shape.kvHeads), claims, tid, nthreads, [&](Value item) {
      Value kvHead = k.divu(item, tiles), row = k.mul(k.remu(item, tiles), shape.rows);
      Value valid = k.mul(k.mins(k.sub(n, row), shape.rows), shape.group());
      AttentionTile tile{k,
                         shape,
                         scratch,
                         block,
                         shape.headOf(k, shape.keys, pointers[1], layer, kvHead),
                         shape.headOf(k, shape.values, pointers[2], layer, kvHead),
                         k.add(pos, row),
                         valid,
                         attention.getBidirectional() ? k.add(pos, n) : Value()};
      auto place = [&](const RowBuffer &rows, Value base, Value stream) {
        Value head = k.add(k.mul(kvHead, shape.group()), k.remu(stream, shape.group()));
        return k.at(rows.row(k, base, k.add(row, tile.rowOf(stream))), k.f32(), k.mul(head, shape.headDim));
      };
      StreamingEmitter{k, library.target(), tile, totals, maxima, sums}.emit(
          [&](Value stream) {
            Value query = place(*q, pointers[0], stream);
            if (!*rotation)
              return query;
            (*rotation)->emit(k, pointers[4], k.add(tile.position, tile.rowOf(stream)), query, scratch.vector);
            return scratch.vector;
          },
          [&](Value stream) { return place(*y, pointers[3], stream); });
    });
  };
  return library.call(op, name, buffers, scalars, body);
}

} // namespace nibble
