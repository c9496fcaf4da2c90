//===- LowerEncoder.cpp - lm.add_positions, lm.pool → kernels --------------===//
//
// What models of text vectors have at their two ends.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

LogicalResult lowerAddPositions(Operation *op, KernelLibrary &library) {
  auto add = cast<lm::AddPositionsOp>(op);
  Value out = add.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, add.getX(), "x"), table = RowBuffer::get(op, add.getTable(), "table"),
                       types = RowBuffer::get(op, add.getTypes(), "types"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(table) || failed(types) || failed(y))
    return failure();
  std::string name = llvm::formatv("add_positions_{0}_x{1}_t{2}_y{3}", x->width, x->stride, table->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value pos = scalars[0], n = scalars[1];
    forEachOwnPiece(k, n, x->width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Type type = k.vec(k.f32(), lanes);
      auto read = [&](Value row) { return k.load(type, k.at(row, k.f32(), offset)); };
      Value place = k.addf(read(table->row(k, pointers[1], k.add(pos, m))), read(pointers[2]));
      k.store(k.addf(read(x->row(k, pointers[0], m)), place), k.at(y->row(k, pointers[3], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {add.getX(), add.getTable(), add.getTypes(), out}, {add.getPos(), add.getN()}, body);
}

/// The sum of n rows, each column in ascending order of rows, divided by n.
static void emitMean(KernelBuilder &k, const RowBuffer &x, Value rows, Value n, Value y) {
  Value count = k.intToFloat(n, k.f32());
  forEachPiece(k, x.width, [&](Value offset, int64_t lanes) {
    Type type = k.vec(k.f32(), lanes);
    Value sum = k.loop(k.i64(0), n, 1, {k.zero(type)}, [&](Value m, ValueRange carried) {
      return KernelBuilder::Values{k.addf(carried[0], k.load(type, k.at(x.row(k, rows, m), k.f32(), offset)))};
    })[0];
    k.store(k.divf(sum, k.splat(count, lanes)), k.at(y, k.f32(), offset));
  });
}

/// y / max(|y|, 1e-12) in place.
static void emitNormalize(KernelBuilder &k, int64_t width, Value y) {
  Value squares = k.f32(0);
  for (Piece piece : piecesOf(width)) {
    Value values = k.load(k.vec(k.f32(), piece.lanes), k.at(y, k.f32(), piece.offset));
    squares = k.addf(squares, k.reduceAddf(k.mulf(values, values)));
  }
  Value length = k.maxf(k.sqrt(squares), k.f32(1e-12f));
  forEachPiece(k, width, [&](Value offset, int64_t lanes) {
    Value at = k.at(y, k.f32(), offset);
    k.store(k.divf(k.load(k.vec(k.f32(), lanes), at), k.splat(length, lanes)), at);
  });
}

LogicalResult lowerPool(Operation *op, KernelLibrary &library) {
  auto pool = cast<lm::PoolOp>(op);
  Value out = pool.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, pool.getX(), "x"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y))
    return failure();
  std::string name = llvm::formatv("pool_{0}_{1}_x{2}{3}", lm::stringifyPooling(pool.getPooling()), x->width, x->stride,
                                   pool.getNormalize() ? "_normalized" : "");
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(k.i64(1), tid, nthreads); // one vector is not split
    k.loop(low, high, 1, [&](Value) {
      Value n = pool.getPooling() == lm::Pooling::Mean ? scalars[0] : k.i64(1);
      emitMean(k, *x, pointers[0], n, pointers[1]);
      if (pool.getNormalize())
        emitNormalize(k, x->width, pointers[1]);
    });
  };
  return library.call(op, name, {pool.getX(), out}, {pool.getN()}, body);
}

} // namespace nibble
