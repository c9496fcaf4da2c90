//===- LowerAttentionRecords.cpp - attention of one row in records --------===//
//
// Work of lm.attention_partials: (cached head, chunk of positions). Work of lm.attention_combine: 32 columns of the
// row, so that what quantizes it next needs no barrier; a head where values are rotated or 32 does not divide headDim.
//
// Where the row's own key and value are appended, the item of its own chunk writes them before it reads them. Other
// items of the head read other chunks: lanes of a block that they share with the new position (a ring may have it in
// the block of its oldest one) are masked, whatever they hold.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/AttentionTile.h"
#include "codegen/Lower/CacheWriter.h"
#include "codegen/Lower/HandOut.h"
#include "codegen/Lower/LowerOps.h"

#include "llvm/Support/FormatVariadic.h"

#include <limits>

using namespace mlir;

namespace nibble {

constexpr int64_t kChunk = lm::kAttentionChunk;

using Values = KernelBuilder::Values;

/// A record is a maximum, a sum and headDim weighted sums of values.
/// Where chunk number `chunk` of a head has its record.
static Value recordOf(KernelBuilder &k, MemRefType records, Value base, Value chunk, Value head) {
  Value slot = k.remu(chunk, records.getDimSize(0));
  Value index = k.add(k.mul(slot, records.getDimSize(1)), head);
  return k.at(base, k.f32(), k.mul(index, records.getDimSize(2)));
}

LogicalResult lowerAttentionPartials(Operation *op, KernelLibrary &library) {
  auto partials = cast<lm::AttentionPartialsOp>(op);
  Value out = partials.getOuts().front();
  FailureOr<RowBuffer> q = RowBuffer::get(op, partials.getQ(), "q");
  if (failed(q) || failed(requireContiguous(op, out, "result")))
    return failure();
  FailureOr<AttentionShape> found = attentionShapeOf(partials, 1);
  if (failed(found))
    return failure();
  const AttentionShape &shape = *found;
  auto records = cast<MemRefType>(out.getType());
  auto rotation = HeadRotation::ofClause(op, partials.getTable(), partials.getPairing(), shape.headDim);
  if (failed(rotation))
    return failure();
  std::string name = "attention_partials_" + nameOf(shape);
  SmallVector<Value> buffers = {partials.getQ(), partials.getKeys(), partials.getValues(), out};
  if (*rotation) {
    name += "_rope_" + (*rotation)->name();
    buffers.push_back(partials.getTable());
  }
  bool appends = bool(partials.getK());
  if (appends) {
    if (failed(RowBuffer::get(op, partials.getK(), "k")) || failed(RowBuffer::get(op, partials.getV(), "v")))
      return failure();
    name += "_append";
    buffers.append({partials.getK(), partials.getV()});
  }
  SmallVector<Value> scalars = {partials.getLayer(), partials.getPos()};
  bool claimed = partials.getSlot().has_value();
  if (failed(addClaimSource(op, partials.getSlot(), library, buffers, scalars)))
    return failure();
  if (claimed)
    name += "_claimed";

  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value layer = scalars[0], pos = scalars[1];
    AttentionScratch scratch = AttentionScratch::allocate(k, shape);
    AttentionBlock block(k, library.target(), shape, scratch);
    AttentionTile where{k, shape, scratch, block, {}, {}, pos, k.i64(shape.group())};
    Value first = k.divu(where.firstChunk(), kChunk), own = k.divu(pos, kChunk);
    Value chunks = k.sub(k.add(own, 1), first);
    Value table = *rotation ? pointers[4] : Value();
    CacheWriter writer{k, library.target(), shape, *rotation, pointers[1], pointers[2], table, scratch.vector};
    ClaimSource claims = claimSourceOf(claimed, pointers, scalars);
    handOutItems(k, k.mul(chunks, shape.kvHeads), claims, tid, nthreads, [&](Value item) {
      // Adjacent items are adjacent chunks of a head: memory is read in its order.
      Value kvHead = k.divu(item, chunks), chunk = k.add(first, k.remu(item, chunks));
      AttentionTile tile = where;
      tile.keys = shape.headOf(k, shape.keys, pointers[1], layer, kvHead);
      tile.values = shape.headOf(k, shape.values, pointers[2], layer, kvHead);
      Value head = k.mul(kvHead, shape.group());
      if (appends)
        k.ifThen(k.eq(chunk, own), [&] {
          auto row = [&](Value base) { return k.at(base, k.f32(), k.mul(kvHead, shape.headDim)); };
          size_t place = table ? 5 : 4;
          writer.write({layer, kvHead, pos}, row(pointers[place]), row(pointers[place + 1]));
        });
      k.loop(k.i64(0), tile.streams, 1, [&](Value stream) {
        Value query = k.at(pointers[0], k.f32(), k.mul(k.add(head, stream), shape.headDim));
        if (table) {
          (*rotation)->emit(k, table, pos, query, scratch.vector);
          query = scratch.vector;
        }
        block.begin(stream, query);
      });
      tile.addChunk(k.mul(chunk, kChunk));
      k.loop(k.i64(0), tile.streams, 1, [&](Value stream) {
        Value record = recordOf(k, records, pointers[3], chunk, k.add(head, stream));
        k.store(tile.maximumOf(stream), record);
        k.store(tile.sumOf(stream), k.at(record, k.f32(), 1));
        Value sums = tile.vectorOf(scratch.sums, stream);
        forEachPiece(k, shape.headDim, [&](Value offset, int64_t lanes) {
          Value number = k.load(k.vec(k.f32(), lanes), k.at(sums, k.f32(), offset));
          k.store(number, k.at(record, k.f32(), k.add(offset, 2)));
        });
      });
    });
  };
  return library.call(op, name, buffers, scalars, body);
}

/// Joins the records of some columns of a head, from `inside` on; stores A / L.
static void combineColumns(KernelBuilder &k, ArrayRef<Piece> pieces, Value first, Value last, Value inside,
                           function_ref<Value(Value)> recordAt, Value y) {
  Values state = {k.constant(k.f32(), -std::numeric_limits<double>::infinity()), k.zero(k.f32())};
  for (Piece piece : pieces)
    state.push_back(k.zero(k.vec(k.f32(), piece.lanes)));
  state = k.loop(first, last, 1, state, [&](Value chunk, ValueRange carried) {
    Value record = recordAt(chunk);
    JoinFactors factors =
        joinRecord(k, {carried[0], carried[1]}, k.load(k.f32(), record), k.load(k.f32(), k.at(record, k.f32(), 1)));
    Values next = {factors.next.maximum, factors.next.sum};
    for (auto [i, piece] : llvm::enumerate(pieces)) {
      Value sums = k.load(k.vec(k.f32(), piece.lanes), k.at(record, k.f32(), k.add(inside, 2 + piece.offset)));
      next.push_back(joinVectors(k, factors, carried[2 + i], sums));
    }
    return next;
  });
  for (auto [i, piece] : llvm::enumerate(pieces))
    k.store(k.divf(state[2 + i], k.splat(state[1], piece.lanes)), k.at(y, k.f32(), piece.offset));
}

LogicalResult lowerAttentionCombine(Operation *op, KernelLibrary &library) {
  auto combine = cast<lm::AttentionCombineOp>(op);
  Value out = combine.getOuts().front();
  FailureOr<RowBuffer> y = RowBuffer::get(op, out, "result");
  if (failed(y) || failed(requireContiguous(op, combine.getPartials(), "partials")))
    return failure();
  auto records = cast<MemRefType>(combine.getPartials().getType());
  int64_t heads = records.getDimSize(1), headDim = records.getDimSize(2) - 2;
  int64_t window = combine.getWindow().value_or(0), columns = combine.getColumnsAtOnce();
  lm::CacheLayout layout{headDim, 4, true, combine.getRotated(), {}};

  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value start = window ? k.maxs(k.sub(scalars[0], window - 1), k.i64(0)) : k.i64(0);
    Value first = k.divu(start, kChunk), last = k.add(k.divu(scalars[0], kChunk), 1);
    auto [low, high] = k.share(k.i64(heads * headDim / columns), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value column = k.mul(item, columns), head = k.divu(column, headDim), inside = k.remu(column, headDim);
      Value result = k.at(pointers[1], k.f32(), column);
      // Pairs of vectors stay in registers; the factors are computed anew for each pair, to the same bits.
      SmallVector<Piece> pieces = piecesOf(columns);
      for (ArrayRef<Piece> left(pieces); !left.empty(); left = left.drop_front(std::min<size_t>(2, left.size())))
        combineColumns(k, left.take_front(2), first, last, inside,
                       [&](Value chunk) { return recordOf(k, records, pointers[0], chunk, head); }, result);
      if (layout.rotated)
        CacheCodec(k, library.target(), layout).rotate(result);
    });
  };
  std::string name = llvm::formatv("attention_combine_{0}x{1}x{2}{3}", records.getDimSize(0), heads, headDim,
                                   layout.rotated ? "_rotated" : "");
  if (window)
    name += "_w" + std::to_string(window);
  return library.call(op, name, {combine.getPartials(), out}, {combine.getPos()}, body);
}

} // namespace nibble
