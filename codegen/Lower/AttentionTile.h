//===- AttentionTile.h - rows, chunks and records of attention -*- C++ -*-===//
//
// What the kernels of lm.attention and lm.attention_partials share. Positions are taken in
// chunks of 128 (AttentionBlock.h), ascending and counted
// from position 0, whoever computes them. A chunk starts from nothing and ends with a record:
// the maximum m, the sum l and the weighted sum acc of its positions. Records are joined in
// ascending order:
//
//   M' = max(M, m),  a = exp(M - M'),  b = exp(m - M')
//   L  = a·L + b·l,  A = a·A + b·acc          y = A / L
//
// That is a definition, not a way of computing: lm.attention joins a record as soon as it is
// there, and lm.attention_partials writes it to memory for lm.attention_combine, so that the
// whole team has work in a single row of few heads over many positions. Both give the same
// bits.
//
// Positions past the row's own, and before its window, count as -inf, p = 0, and their values
// are not read: what an earlier use of the cache left there has no influence.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_ATTENTIONTILE_H
#define NIBBLE_CODEGEN_LOWER_ATTENTIONTILE_H

#include "codegen/Lower/AttentionBlock.h"

namespace nibble {

/// Maximum and sum of the positions so far.
struct JoinedRecords {
  mlir::Value maximum, sum;
};

/// What joining a record does to the sums before it, and to its own.
struct JoinFactors {
  JoinedRecords next;
  mlir::Value before, record; ///< a and b of the head comment
};

JoinFactors joinRecord(KernelBuilder &k, JoinedRecords so, mlir::Value maximum, mlir::Value sum);
/// a·before + b·record
mlir::Value joinVectors(KernelBuilder &k, const JoinFactors &factors, mlir::Value before, mlir::Value record);

/// Walks over chunks and blocks for the rows of a tile and one cached head.
struct AttentionTile {
  using Value = mlir::Value;

  KernelBuilder &k;
  const AttentionShape &shape;
  const AttentionScratch &scratch;
  AttentionBlock block;
  Value keys, values; ///< base of the cached head
  Value position;     ///< of the tile's first row
  Value streams;      ///< of the rows that there are
  Value end = {};     ///< what all streams see up to, where it is no matter of their rows

  Value rowOf(Value stream) const { return k.divu(stream, shape.group()); }
  /// Positions start … end-1 are what a stream sees.
  Value endOf(Value stream) const { return end ? end : k.add(k.add(position, rowOf(stream)), 1); }
  Value startOf(Value stream) const {
    return shape.window ? k.maxs(k.sub(endOf(stream), shape.window), k.i64(0)) : k.i64(0);
  }
  Value lastStream() const { return k.sub(streams, 1); }
  /// The chunk of the first position that any stream sees.
  Value firstChunk() const {
    Value start = startOf(k.i64(0));
    return k.sub(start, k.remu(start, lm::kAttentionChunk));
  }

  /// Leaves a record of the chunk in the scratch memory of each stream.
  void addChunk(Value first) const;

  Value maximumOf(Value stream) const { return k.load(k.f32(), k.at(scratch.maxima, k.f32(), stream)); }
  Value sumOf(Value stream) const {
    return k.reduceAddf(
        k.load(k.vec(k.f32(), lm::kKeyBlock), k.at(scratch.denominators, k.f32(), k.mul(stream, lm::kKeyBlock))));
  }
  Value vectorOf(Value base, Value stream) const { return k.at(base, k.f32(), k.mul(stream, shape.headDim)); }

private:
  using Seen = AttentionBlock::Seen;
  using Company = llvm::function_ref<void(int64_t count, Value first, bool whole)>;
  /// What a stream sees of the block of positions from `first` on.
  Seen seenBy(Value stream, Value first) const;
  void forEachCompany(Value first, int64_t company, Company visit) const;
  void addScores(Value first, Value at) const;
  void addValues(Value first, Value at) const;
};

/// The shape of an lm.attention or lm.attention_partials that is done for up to `rows` rows at once. Fails, with a
/// diagnostic, where the kernels cannot take the operation's caches.
template <typename OpTy> mlir::FailureOr<AttentionShape> attentionShapeOf(OpTy op, int64_t rows);

/// What a kernel of the shape is specialised on.
std::string nameOf(const AttentionShape &shape);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_ATTENTIONTILE_H
