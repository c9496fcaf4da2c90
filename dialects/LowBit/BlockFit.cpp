//===- BlockFit.cpp - the best scale and minimum of a group --------------===//
//
// See BlockFit.h. Sums run in eight lanes that are added at the end, which is
// what a vector unit does and gives the same result on every machine.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/BlockFit.h"

#include <algorithm>
#include <cmath>

// The same bits on every host.
#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

namespace {
/// Sums over a group in eight lanes.
struct Lanes {
  float lanes[8] = {};
  double flushed = 0;
  double total() const {
    double sum = 0;
    for (float lane : lanes)
      sum += lane;
    return flushed + sum;
  }
  /// Before number i: the sums of many numbers go on in double.
  void flushAt(size_t i) {
    if (i % 4096 != 0)
      return;
    flushed = total();
    std::fill_n(lanes, 8, 0.0f);
  }
};
} // namespace

float lowbit::importance(float value, float meanSquare) {
  return std::sqrt(meanSquare + value * value);
}

uint32_t lowbit::finiteBits(FloatKind kind, float value) {
  float largest = kind == FloatKind::F16     ? 65504.0f
                  : kind == FloatKind::BF16  ? 0x1.fep127f
                  : kind == FloatKind::UE4M3 ? 448.0f
                                             : 0x1.fffffep127f;
  return bitsOfNearest(kind, std::clamp(value, -largest, largest));
}

PaddedGroups::PaddedGroups(const float *values, int64_t count, int64_t group) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::abs(values[i]));
  power = largest > 0 ? std::ldexp(1.0f, std::ilogb(largest)) : 1.0f;
  int64_t stride = (group + 7) / 8 * 8;
  numbers.assign(count / group * stride, 0.0f);
  weights.assign(count / group * stride, 0.0f);
  for (int64_t g = 0; g < count / group; ++g) {
    float *number = &numbers[g * stride], *weight = &weights[g * stride];
    double sum = 0;
    for (int64_t i = 0; i < group; ++i) {
      number[i] = values[g * group + i] / power;
      sum += double(number[i]) * number[i];
    }
    for (int64_t i = 0; i < group; ++i)
      weight[i] = importance(number[i], float(sum / double(group)));
    list.push_back({number, weight, size_t(stride)});
  }
}

double lowbit::errorOf(const Sample &sample, const Levels &levels, Fit fit,
                       Scratch &scratch) {
  scratch.resize(sample.count);
  levels.nearest(sample.x, fit.minimum, inverseOf(fit.scale), sample.count,
                 scratch.data());
  Lanes error;
  for (size_t i = 0; i < sample.count; i += 8) {
    error.flushAt(i);
    for (size_t lane = 0; lane < 8; ++lane) {
      float miss = sample.x[i + lane] -
                   (scratch[i + lane] * fit.scale + fit.minimum);
      error.lanes[lane] += sample.w[i + lane] * miss * miss;
    }
  }
  return error.total();
}

//===----------------------------------------------------------------------===//
// A scale
//===----------------------------------------------------------------------===//

namespace {
/// The best scale for the levels that some first guess gives.
struct ScaleCandidate {
  float scale = 0;
  double gain = 0; ///< (Σ w·x·v)² / Σ w·v², what the error shrinks by.
};
} // namespace

static ScaleCandidate improve(const Sample &sample, const Levels &levels,
                              float guess, Scratch &scratch) {
  levels.nearest(sample.x, 0, inverseOf(guess), sample.count, scratch.data());
  Lanes product, square;
  for (size_t i = 0; i < sample.count; i += 8) {
    product.flushAt(i), square.flushAt(i);
    for (size_t lane = 0; lane < 8; ++lane) {
      float v = scratch[i + lane], wv = sample.w[i + lane] * v;
      product.lanes[lane] += wv * sample.x[i + lane];
      square.lanes[lane] += wv * v;
    }
  }
  double xv = product.total(), vv = square.total();
  if (!(vv > 0))
    return {};
  return {float(xv / vv), xv * xv / vv};
}

/// First guesses map the largest number to `top` levels, from a little less than
/// the outermost level to far outside, where the largest numbers are cut off:
/// three levels more is where small groups of few levels find their best, and
/// large groups with outliers go on until it gets worse.
template <typename Try>
static void forEachTop(float outermost, float step, bool isLarge, Try attempt) {
  int count = outermost >= 32 * step ? 12 : 24;
  for (int index = 0; index < count; ++index)
    attempt(outermost + step * (float(index) * 3.5f / float(count) - 0.45f));
  if (!isLarge)
    return;
  float top = outermost + 3 * step;
  for (int worse = 0; worse < 3 && top < 16 * outermost + step;)
    worse = attempt(top *= 1.07f) ? 0 : worse + 1;
}

/// A group is large when its largest number says little about the others.
constexpr size_t kLargeGroup = 64;

float lowbit::fitScale(const Sample &sample, const Levels &levels,
                       bool negative, Scratch &scratch) {
  scratch.resize(sample.count);
  float largest = 0;
  for (size_t i = 0; i < sample.count; ++i)
    if (std::abs(sample.x[i]) > std::abs(largest))
      largest = sample.x[i];
  if (largest == 0)
    return 0;
  ScaleCandidate best;
  float range = levels.highest() - levels.lowest();
  float step = range / float(std::max<size_t>(levels.size() - 1, 1));
  // The largest number becomes the highest or the lowest level.
  for (float outermost : {levels.lowest(), levels.highest()}) {
    if (outermost == 0 || (!negative && (largest < 0) != (outermost < 0)))
      continue;
    if (negative && std::abs(outermost) < 0.9f * range / 2)
      continue; // the other end has more levels
    float sign = outermost < 0 ? -1.0f : 1.0f;
    forEachTop(std::abs(outermost), step, sample.count > kLargeGroup,
               [&](float top) {
                 ScaleCandidate candidate =
                     improve(sample, levels, largest / (sign * top), scratch);
                 bool better = candidate.gain > best.gain &&
                               (negative || candidate.scale > 0);
                 if (better)
                   best = candidate;
                 return better;
               });
  }
  // Levels of the best scale have a best scale of their own.
  for (int round = 0; round < 2; ++round) {
    ScaleCandidate next = improve(sample, levels, best.scale, scratch);
    if (next.gain <= best.gain)
      break;
    best = next;
  }
  return best.scale;
}

//===----------------------------------------------------------------------===//
// A scale and a minimum
//===----------------------------------------------------------------------===//

namespace {
struct MomentSums {
  double w = 0, v = 0, vv = 0, x = 0, vx = 0;
};
} // namespace

static MomentSums momentsOf(const Sample &sample, const float *level) {
  Lanes w, v, vv, x, vx;
  for (size_t i = 0; i < sample.count; i += 8) {
    for (Lanes *sum : {&w, &v, &vv, &x, &vx})
      sum->flushAt(i);
    for (size_t lane = 0; lane < 8; ++lane) {
      float weight = sample.w[i + lane], value = level[i + lane];
      w.lanes[lane] += weight;
      v.lanes[lane] += weight * value;
      vv.lanes[lane] += weight * value * value;
      x.lanes[lane] += weight * sample.x[i + lane];
      vx.lanes[lane] += weight * value * sample.x[i + lane];
    }
  }
  return {w.total(), v.total(), vv.total(), x.total(), vx.total()};
}

/// Scale and minimum with the least error for the levels that `guess` gives.
static Fit improve(const Sample &sample, const Levels &levels, Fit guess,
                   bool below, Scratch &scratch) {
  levels.nearest(sample.x, guess.minimum, inverseOf(guess.scale), sample.count,
                 scratch.data());
  MomentSums sum = momentsOf(sample, scratch.data());
  double determinant = sum.w * sum.vv - sum.v * sum.v;
  if (!(determinant > 1e-12 * sum.w * sum.vv))
    return guess;
  double scale = (sum.w * sum.vx - sum.x * sum.v) / determinant;
  double minimum = (sum.vv * sum.x - sum.v * sum.vx) / determinant;
  if (below && minimum > 0) {
    minimum = 0;
    scale = sum.vv > 0 ? sum.vx / sum.vv : 0;
  }
  if (!(scale > 0))
    return guess;
  return {float(scale), float(minimum)};
}

Fit lowbit::fitScaleAndMinimum(const Sample &sample, const Levels &levels,
                               bool below, Scratch &scratch) {
  scratch.resize(sample.count);
  float low = below ? 0.0f : INFINITY, high = -INFINITY;
  for (size_t i = 0; i < sample.count; ++i)
    if (sample.w[i] > 0) {
      low = std::min(low, sample.x[i]);
      high = std::max(high, sample.x[i]);
    }
  if (!(high > low)) // all numbers are equal, or none counts
    return {0, low < INFINITY ? low : 0.0f};
  Fit best;
  double least = INFINITY;
  float range = levels.highest() - levels.lowest();
  float step = range / float(std::max<size_t>(levels.size() - 1, 1));
  auto attempt = [&](Fit guess) {
    Fit candidate = improve(sample, levels, guess, below, scratch);
    double error = errorOf(sample, levels, candidate, scratch);
    if (!(error < least))
      return false;
    least = error, best = candidate;
    return true;
  };
  // The range of levels lies around the middle of the numbers.
  forEachTop(range, step, sample.count > kLargeGroup, [&](float top) {
    float scale = (high - low) / top;
    float middle = scale * 0.5f * (levels.highest() + levels.lowest());
    float minimum = 0.5f * (high + low) - middle;
    return attempt({scale, below ? std::min(minimum, 0.0f) : minimum});
  });
  for (int round = 0; round < 4 && attempt(best); ++round)
    ;
  return best;
}
