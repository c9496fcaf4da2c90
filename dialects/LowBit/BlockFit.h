//===- BlockFit.h - the best scale and minimum of a group ----------------===//
//
// What: for the numbers x of one group and the levels v of a type, the scale d
// (and the minimum m) with the least Σ w (x - (v·d + m))², v being the nearest
// levels.
// Why: rounding with d = max|x| / max|v| wastes levels on one outlier. The error
// as a function of d has many local minima, because levels change sides; but for
// given levels the best d is a quotient of sums,
//
//     d = Σ w·x·v / Σ w·v²        error = Σ w·x² - (Σ w·x·v)² / Σ w·v²
//
// so trying a few dozen scales for the levels, and taking the quotient for the
// scale, finds a good minimum for little work. With a minimum, the same with two
// unknowns (normal equations). The idea is that of ggml's quantizers
// (ggml-quants.c, make_qx_quants, make_qkx2_quants); the candidates are our own.
// Contract: deterministic, no data but the weights. Numbers are near 1 (the caller
// takes out a power of two), so that no sum overflows. All arrays have a length
// that is a multiple of 8, filled up with w = 0.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_BLOCKFIT_H
#define NIBBLE_DIALECTS_LOWBIT_BLOCKFIT_H

#include "dialects/LowBit/Levels.h"

namespace nibble::lowbit {

/// The numbers of one group and how much each counts.
struct Sample {
  const float *x = nullptr, *w = nullptr;
  size_t count = 0; ///< A multiple of 8.
};

struct Fit {
  float scale = 0, minimum = 0;
};

/// How much a number counts. Large weights matter more for a product than their
/// share of the squared error says, since activations are not white noise; the
/// root of (mean square + square) favours them mildly, as ggml does. Measured on
/// SmolLM2-135M with `int3` (1785 tokens, perplexity): 46.8; with equal weights
/// 53.3, with mean square / 4 + square 53.8.
float importance(float value, float meanSquare);

/// The bits of the nearest number of `kind` that is finite.
uint32_t finiteBits(FloatKind kind, float value);

/// Groups of one row, or of many, brought to magnitudes near 1 by one power of two
/// and filled up to multiples of 8.
class PaddedGroups {
public:
  PaddedGroups(const float *values, int64_t count, int64_t group);

  /// A power of two: numbers of the samples times this are the values.
  float unit() const { return power; }
  /// Valid as long as this object is.
  const std::vector<Sample> &samples() const { return list; }

private:
  float power = 1;
  std::vector<float> numbers, weights;
  std::vector<Sample> list;
};

/// What fits may use as memory: count floats.
using Scratch = std::vector<float>;

/// 1/scale to find levels with; 0 for a scale that no level could show with
/// numbers near 1.
inline float inverseOf(float scale) {
  return scale > -1e-30f && scale < 1e-30f ? 0 : 1 / scale;
}

/// Σ w (x - (v·scale + minimum))² with the nearest levels v.
double errorOf(const Sample &sample, const Levels &levels, Fit fit,
               Scratch &scratch);

/// The best scale; a negative one only with `negative`.
float fitScale(const Sample &sample, const Levels &levels, bool negative,
               Scratch &scratch);

/// The best scale ≥ 0 and minimum; the minimum is ≤ 0 with `below`.
Fit fitScaleAndMinimum(const Sample &sample, const Levels &levels, bool below,
                       Scratch &scratch);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_BLOCKFIT_H
