//===- LowerRope.cpp - lm.rope → kernel -----------------------------------===//
//
// Rotary position embedding (Su et al., arXiv 2104.09864): in each head, the pair
// (a, b) with frequency θ becomes (a·cos pθ - b·sin pθ, b·cos pθ + a·sin pθ).
//
// Cosine and sine of a position p = 64·s + j come from two rows of the table:
//   cos pθ = cos jθ · cos 64sθ - sin jθ · sin 64sθ
//   sin pθ = sin jθ · cos 64sθ + cos jθ · sin 64sθ
// Row j holds the first pair of factors, row 64 + s the second. A table of every
// position would be 64 times as long as the second part and is not exacter: the
// result is within a few roundings of f32 at every position.
//
// Heads are independent: rows × heads are split over the team. May be done in place.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

namespace {

/// (even, odd) lanes, or the halves, of twice as many values.
struct Pair {
  Value first, second;
};

/// Emits the rotation of one head.
struct Rotation {
  KernelBuilder &k;
  lm::Pairing pairing;
  int64_t pairs; ///< half of the rotated dimensions

  Value load(Value pointer, int64_t index, int64_t lanes) const {
    return k.load(k.vec(k.f32(), lanes), k.at(pointer, k.f32(), index));
  }
  void store(Value value, Value pointer, int64_t index) const { k.store(value, k.at(pointer, k.f32(), index)); }

  /// Elements 2·(piece) and 2·(piece)+1 of `pointer`, apart.
  Pair loadInterleaved(Value pointer, Piece piece) const {
    Value both = load(pointer, 2 * piece.offset, 2 * piece.lanes);
    SmallVector<int64_t> even, odd;
    for (int64_t lane = 0; lane < piece.lanes; ++lane) {
      even.push_back(2 * lane);
      odd.push_back(2 * lane + 1);
    }
    return {k.shuffle(both, both, even), k.shuffle(both, both, odd)};
  }

  void storeInterleaved(Pair pair, Value pointer, Piece piece) const {
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < piece.lanes; ++lane) {
      mask.push_back(lane);
      mask.push_back(piece.lanes + lane);
    }
    store(k.shuffle(pair.first, pair.second, mask), pointer, 2 * piece.offset);
  }

  Pair loadPair(Value head, Piece piece) const {
    if (pairing == lm::Pairing::Interleaved)
      return loadInterleaved(head, piece);
    return {load(head, piece.offset, piece.lanes), load(head, pairs + piece.offset, piece.lanes)};
  }

  void storePair(Pair pair, Value head, Piece piece) const {
    if (pairing == lm::Pairing::Interleaved)
      return storeInterleaved(pair, head, piece);
    store(pair.first, head, piece.offset);
    store(pair.second, head, pairs + piece.offset);
  }

  /// (a, b) times (cos, sin) as complex numbers.
  Pair multiply(Pair x, Pair angle) const {
    Value real = k.fma(x.first, angle.first, k.negf(k.mulf(x.second, angle.second)));
    Value imaginary = k.fma(x.second, angle.first, k.mulf(x.first, angle.second));
    return {real, imaginary};
  }

  void rotate(Value from, Value to, Value fine, Value coarse) const {
    for (Piece piece : piecesOf(pairs)) {
      Pair angle = multiply(loadInterleaved(fine, piece), loadInterleaved(coarse, piece));
      storePair(multiply(loadPair(from, piece), angle), to, piece);
    }
  }
};

} // namespace

LogicalResult lowerRope(Operation *op, KernelLibrary &library) {
  auto rope = cast<lm::RopeOp>(op);
  Value out = rope.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, rope.getX(), "x"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y) || failed(requireContiguous(op, rope.getTable(), "table")))
    return failure();
  auto table = cast<MemRefType>(rope.getTable().getType());
  if (!table.getElementType().isF32())
    return op->emitOpError() << "takes a table of f32, but found " << table;
  int64_t headDim = rope.getHeadDim(), heads = x->width / headDim, pairs = table.getDimSize(1);
  // A table row: `pairs` × (cos, sin).
  int64_t tableRow = 2 * pairs;

  std::string name = llvm::formatv("rope_{0}_{1}x{2}_r{3}_x{4}_y{5}", lm::stringifyPairing(rope.getPairing()), heads,
                                   headDim, tableRow, x->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value pos = scalars[0], n = scalars[1];
    Rotation rotation{k, rope.getPairing(), pairs};
    auto [low, high] = k.share(k.mul(n, heads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, heads), column = k.mul(k.remu(item, heads), headDim);
      Value position = k.add(pos, m);
      Value from = k.at(x->row(k, pointers[0], m), k.f32(), column);
      Value to = k.at(y->row(k, pointers[2], m), k.f32(), column);
      Value fine = k.mul(k.remu(position, lm::kRopeFineRows), tableRow);
      Value coarse = k.mul(k.add(k.divu(position, lm::kRopeFineRows), lm::kRopeFineRows), tableRow);
      rotation.rotate(from, to, k.at(pointers[1], k.f32(), fine), k.at(pointers[1], k.f32(), coarse));
      for (Piece piece : piecesOf(headDim - 2 * pairs, 2 * pairs))
        rotation.store(rotation.load(from, piece.offset, piece.lanes), to, piece.offset);
    });
  };
  return library.call(op, name, {rope.getX(), rope.getTable(), out}, {rope.getPos(), rope.getN()}, body);
}

} // namespace nibble
