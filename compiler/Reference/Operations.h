//===- Operations.h - the lm operations in double precision --------------===//
//
// What: what each lm operation computes, written down as plainly as possible.
// Why: this is the oracle. Every kernel is tested against these functions, so
// they must be right by inspection; they are slow and have no other virtue.
// Contract: pure functions on rows of doubles. Sums run over ascending indices.
// `n` is the number of valid rows; the others of a result are zero. Shapes are
// those that the operations' verifiers guarantee.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_REFERENCE_OPERATIONS_H
#define NIBBLE_COMPILER_REFERENCE_OPERATIONS_H

#include "compiler/Reference/ReferenceWeight.h"

#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace nibble::reference {

/// A tensor of `count` rows of `width` values.
struct Rows {
  int64_t count = 0, width = 0;
  std::vector<double> values;

  Rows() = default;
  Rows(int64_t count, int64_t width)
      : count(count), width(width), values(count * width) {}

  double *row(int64_t index) { return &values[index * width]; }
  const double *row(int64_t index) const { return &values[index * width]; }
};

/// Memory that an lm.state names. Values are rounded to its element type when
/// they are stored; of a quantized cache whole vectors of a head.
struct State {
  std::vector<int64_t> shape;
  FloatKind element = FloatKind::F32;
  std::optional<lm::CacheFormat> cached;
  std::vector<double> values; ///< with cached q4, of rotated vectors

  State() = default;
  State(std::vector<int64_t> shape, FloatKind element);
  State(std::vector<int64_t> shape, lm::CacheFormat format);
  void store(int64_t index, double value);
  /// shape.back() values from `index` on.
  void storeVector(int64_t index, const double *vector);
};

/// Row m is row tokens[m] of the table, times scale.
Rows embed(llvm::ArrayRef<int32_t> tokens, const ReferenceWeight &table,
           double scale, int64_t n);

/// y = x / sqrt(mean(x²) + epsilon) · weight, for each run of columns that is as
/// long as the weight.
Rows rmsNorm(const Rows &x, llvm::ArrayRef<double> weight, double epsilon,
             int64_t n);

/// y = (x - μ) / sqrt(mean((x - μ)²) + epsilon) · weight (+ bias), μ = mean(x),
/// for each such run.
Rows layerNorm(const Rows &x, llvm::ArrayRef<double> weight,
               llvm::ArrayRef<double> bias, double epsilon, int64_t n);

/// y = x + scale · branch
Rows residual(const Rows &x, const Rows &branch, double scale, int64_t n);

/// y = cap · tanh(scale · x / cap), or scale · x where cap is 0.
Rows scaleAndCap(const Rows &x, double scale, double cap, int64_t n);

/// y[m,j] = Σ_k x[m,k] · w[j,k] (+ bias[j]). Rows of w are split over threads.
Rows linear(const Rows &x, const ReferenceWeight &weight,
            llvm::ArrayRef<double> bias, int64_t n, unsigned threads);

/// y[i] = W_e · x[i / s], e = chosen[i], where the rows of W_e are those from
/// e · columns on and there are s chosen ones for each row of x.
Rows expertLinear(const Rows &x, const ReferenceWeight &weight,
                  llvm::ArrayRef<int32_t> chosen, int64_t columns, int64_t n);

/// The k greatest columns of each row, and their softmax over all columns or,
/// with `normalize`, over each other.
struct TopK {
  std::vector<int32_t> chosen;
  Rows weights;
};
TopK topK(const Rows &x, int64_t k, bool normalize, int64_t n);

/// y[m] = x[m] + Σ_s f(weights[m, s]) · branch[m · k + s], f the identity or the
/// sigmoid.
Rows expertSum(const Rows &x, const Rows &branch, const Rows &weights,
               bool sigmoid, int64_t n);

/// What mpgemm.quantize keeps of activations: in each group of values,
/// s · round(x / s), halves to even, with the best s of max |x| / 127, 125, 123
/// and 121, or with the first in groups of more than 32.
Rows roundToInt8(const Rows &x, int64_t n, int64_t group = 32);

/// What mpgemm.round keeps: the nearest numbers of a float type.
Rows roundToFloat(const Rows &x, int64_t n, FloatKind kind);

/// Rotates the pairs of each head by the angles of position pos + m. `table` is
/// (64 + strides) × pairs × (cos, sin), as lm.rope describes.
Rows rope(const Rows &x, const ReferenceWeight &table, int64_t headDim,
          lm::Pairing pairing, int64_t pos, int64_t n);

/// Stores n rows at positions pos … of a layer. Caches have the shape
/// layers × kvHeads × positions × headDim; position p lies at its remainder.
void appendToCache(const Rows &rows, State &cache, int64_t layer, int64_t pos,
                   int64_t n);

/// What scores are made of.
struct AttentionScores {
  int64_t heads;
  double scale;
  int64_t window = 0; ///< positions a row sees; 0: all up to its own
  double softcap = 0; ///< c·tanh(s/c) for a score s; 0: none
  bool bidirectional = false; ///< rows see those behind them, too
};

/// Row m attends to positions 0 … pos + m of the layer, or the last of them.
Rows attention(const Rows &q, const State &keys, const State &values,
               const AttentionScores &how, int64_t layer, int64_t pos,
               int64_t n);

/// y[m] = c · Σ_j weight[d][T-1-j] · u[pos+m-j] of each channel d, where u = b · x is
/// stored in the history (layers × positions × channels) and rows of `bcx` hold
/// b, c and x.
Rows shortConv(const Rows &bcx, llvm::ArrayRef<double> weight, State &history,
               int64_t layer, int64_t pos, int64_t n);

/// y = x + (table[pos + m] + types[0])
Rows addPositions(const Rows &x, const ReferenceWeight &table,
                  const ReferenceWeight &types, int64_t pos, int64_t n);

/// y = f(x)
Rows activateRows(const Rows &x, lm::Activation activation, int64_t n);

/// The mean of the first n rows, or the first; divided by its length.
Rows pool(const Rows &x, lm::Pooling pooling, bool normalize, int64_t n);

/// y = f(gate) · up
Rows gatedUnit(const Rows &gate, const Rows &up, lm::Activation activation,
               int64_t n);

} // namespace nibble::reference

#endif // NIBBLE_COMPILER_REFERENCE_OPERATIONS_H
