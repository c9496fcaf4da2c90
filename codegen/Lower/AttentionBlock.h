//===- AttentionBlock.h - attention to a chunk of positions ----*- C++ -*-===//
//
// The inner part of the kernels of attention: what some queries make of a chunk of
// up to 128 positions, in blocks of 16. A query (one head of one row) is called a
// stream here; streams of a tile share a cached head, so that each key and value is
// loaded once for several of them. In three steps, whose results lie in scratch memory
// of the thread:
//
//   scores    s[16] = scale · (q · K[0 … 15])     of each block, a product with 16 positions at once;
//                                                 -inf for a position that the stream does not see
//   weights   m = max s,  p = exp(s - m)          of the whole chunk
//             l[16] += p[16]                      block by block; summed over the lanes at the very end
//   values    acc[:] += p[i] · V[i][:]            over the positions that the stream sees, ascending
//
// With keys in 8 or 4 bits the query is
// rounded to 8 bits, too, and q · K is, by groups of 32 dimensions (16 with 4 bits)
// ascending, the exact integer sum of products times both scales. With values in 8 or 4 bits, their
// scale is multiplied with p, and V are the codes. Minima of groups, which 4 bits have, are
// added on their own: those of keys times the sum of the query's codes, those of values in
// 16 sums a group, as l is, which finish() adds up.
//
// Contract: a stream's numbers are the same bits whether it is done alone or in
// company, with decoded keys and values or from the cache itself.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_ATTENTIONBLOCK_H
#define NIBBLE_CODEGEN_LOWER_ATTENTIONBLOCK_H

#include "codegen/Lower/CacheCodec.h"
#include "codegen/Lower/CacheShape.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Targets/DotEmitter.h"

namespace nibble {

/// What the kernels are specialised on.
struct AttentionShape : CacheShape {
  int64_t heads;
  float scale;
  int64_t window; ///< positions a row sees; 0: all up to its own
  float softcap;  ///< 0: none
  int64_t rows;   ///< of a tile

  int64_t group() const { return heads / kvHeads; }
  int64_t streams() const { return rows * group(); }
  /// Streams whose scores are made together: their two chains each fill 12 of 16 vector registers of 8 lanes.
  int64_t scoreCompany() const;
  /// Streams to which values are added together: with four, 8 chains of multiply-adds.
  int64_t valueCompany() const { return streams() % 4 == 0 ? 4 : scoreCompany(); }
  /// Whether a block is decoded to f32 once for all companies of a tile.
  bool decodes() const { return streams() > scoreCompany(); }
  /// Arrays of weights a stream has: with scales, one a group of dimensions.
  int64_t weightArrays() const { return values.quantized ? values.groups() : 1; }
};

/// Memory of a thread for the streams of a tile; see the head. Arrays are indexed by stream.
struct AttentionScratch {
  mlir::Value query;                    ///< headDim f32, or headDim codes with quantized keys
  mlir::Value queryScales, querySums;   ///< groups × f32, i32; null without codes
  mlir::Value maxima, denominators;     ///< f32, 16 × f32
  mlir::Value sums;                     ///< headDim × f32
  mlir::Value minima;                   ///< groups of values × 16 × f32; null without minima
  mlir::Value scores;                   ///< s, then p: 128 × f32
  mlir::Value weights;                  ///< of a company, weightArrays × 16 × f32 a stream: p times scales; or null
  mlir::Value vector;                   ///< headDim × f32, for rotations; begin() may find a query there
  mlir::Value keyBlock, valueBlock;     ///< decoded: headDim × 16, 16 × headDim f32; null if not

  static AttentionScratch allocate(KernelBuilder &k, const AttentionShape &shape);
};

class AttentionBlock {
public:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;

  AttentionBlock(KernelBuilder &k, const TargetInfo &target, const AttentionShape &shape,
                 const AttentionScratch &scratch);

  /// Prepares a stream: its query, from headDim f32 at `row`.
  void begin(Value stream, Value row) const;
  /// Sets a stream's sums to those of no position.
  void clear(Value stream) const;
  /// Completes a stream's sum of values.
  void finish(Value stream) const;
  /// Decode a block for all that follows, where the shape asks for it.
  void decodeKeys(Value keys) const;
  void decodeValues(Value values) const;

  /// Positions low … high-1 of a block; of no values: all of it.
  struct Seen {
    Value low, high;
  };
  /// Scores of the block that starts at position `at` of the chunk, of streams first … first+count-1. `seen`: what each
  /// of them sees of it; empty: all.
  void addScores(int64_t count, Value first, Value keys, Value at, llvm::ArrayRef<Seen> seen) const;
  /// The weights of a stream, from its scores of positions from … to-1 of the chunk, whole blocks.
  void makeWeights(Value stream, Value from, Value to) const;
  /// Adds the values of positions seen.low … seen.high-1 of a block to streams first … first+count-1.
  void addValues(int64_t count, Value first, Value values, Value at, Seen seen) const;
  /// Adds the minima of a block's values to a stream.
  void addMinima(Value stream, Value values, Value at) const;

private:
  Values floatProducts(int64_t count, Value first, Value keys) const;
  Values integerProducts(int64_t count, Value first, Value keys) const;
  Values addGroup(int64_t count, Value first, Value keys, Value group, int64_t size, mlir::ValueRange sums) const;
  Value minimaPlace(Value stream) const;
  Value score(Value product) const;
  Value maxOfLanes(Value v) const;
  Value scorePlace(Value stream, Value at) const;
  void scaleWeights(int64_t index, Value stream, Value values, Value at) const;
  /// `count` numbers (f32) one behind the other, each in all lanes of a vector.
  Values loadSpread(Value numbers, int64_t count, int64_t lanes) const;
  /// How many of them are best loaded at once.
  int64_t numbersTogether() const;
  int64_t valueVectors() const;
  void addPieces(int64_t count, Value first, Value values, Value at, Seen seen, llvm::ArrayRef<Piece> pieces) const;
  Value loadValue(Value values, Value position, Piece piece) const;

  mlir::Type vector(int64_t lanes = kLanes) const { return k.vec(k.f32(), lanes); }
  Value floats(Value base, Value stream, int64_t size) const { return k.at(base, k.f32(), k.mul(stream, size)); }

  KernelBuilder &k;
  const TargetInfo &target;
  const AttentionShape &shape;
  const AttentionScratch &scratch;
  CacheCodec keyCodec, valueCodec;
  const InstructionRow &row; ///< what multiplies bytes
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_ATTENTIONBLOCK_H
