//===- HeadRotation.cpp - rotary position embedding of a head -------------===//
//
// See HeadRotation.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/HeadRotation.h"

#include "codegen/Lower/RowBuffer.h"

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

FailureOr<HeadRotation> HeadRotation::get(Operation *op, Value table, lm::Pairing pairing, int64_t headDim) {
  if (failed(requireContiguous(op, table, "table")))
    return failure();
  auto type = cast<MemRefType>(table.getType());
  if (!type.getElementType().isF32())
    return op->emitOpError() << "takes a table of f32, but found " << type;
  return HeadRotation{pairing, headDim, type.getDimSize(1)};
}

FailureOr<std::optional<HeadRotation>> HeadRotation::ofClause(Operation *op, Value table,
                                                              std::optional<lm::Pairing> pairing, int64_t headDim) {
  if (!table)
    return std::optional<HeadRotation>();
  FailureOr<HeadRotation> rotation = get(op, table, *pairing, headDim);
  if (failed(rotation))
    return failure();
  return std::optional<HeadRotation>(*rotation);
}

std::string HeadRotation::name() const { return llvm::formatv("{0}_r{1}", lm::stringifyPairing(pairing), tableRow()); }

void HeadRotation::emit(KernelBuilder &k, Value table, Value position, Value from, Value to) const {
  Rotation rotation{k, pairing, pairs};
  Value fine = k.mul(k.remu(position, lm::kRopeFineRows), tableRow());
  Value coarse = k.mul(k.add(k.divu(position, lm::kRopeFineRows), lm::kRopeFineRows), tableRow());
  rotation.rotate(from, to, k.at(table, k.f32(), fine), k.at(table, k.f32(), coarse));
  for (Piece piece : piecesOf(headDim - 2 * pairs, 2 * pairs))
    rotation.store(rotation.load(from, piece.offset, piece.lanes), to, piece.offset);
}

} // namespace nibble
