//===- RowEncoder.cpp - a row of numbers into low-bit codes ---------------===//
//
// See RowEncoder.h.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/RowEncoder.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

void RowEncoder::load(const float *x, int64_t first) {
  float largest = 0, sum = 0;
  for (int64_t i = 0; i < span; ++i)
    largest = std::max(largest, std::abs(x[i]));
  unit = largest > 0 ? std::ldexp(1.0f, std::ilogb(largest)) : 1.0f;
  for (int64_t i = 0; i < span; ++i)
    sum += (x[i] / unit) * (x[i] / unit);
  float meanSquare = sum / float(span);
  groups.assign(span / group, Group());
  values.assign(groups.size() * stride, 0.0f);
  weights.assign(groups.size() * stride, 0.0f);
  for (size_t g = 0; g < groups.size(); ++g) {
    float *value = &values[g * stride], *weight = &weights[g * stride];
    for (int64_t i = 0; i < group; ++i) {
      value[i] = x[g * group + i] / unit;
      weight[i] = importance(value[i], meanSquare);
      if (compensation)
        weight[i] *= compensation->count(first + int64_t(g) * group + i);
    }
    groups[g].sample = {value, weight, size_t(stride)};
  }
}

/// The row's codes again, for the scales that it has.
void RowEncoder::compensate(const float *x, uint8_t *codes) {
  errors.resize(columns);
  for (int64_t place = 0; place < columns; ++place) {
    int64_t column = compensation->columnAt(place);
    Fit fit = fits[column / group];
    float aim[8] = {}, level[8]; // as many as nearest() takes
    aim[0] = x[column] + compensation->owed(place, errors.data());
    levels.nearest(aim, fit.minimum, inverseOf(fit.scale), 8, level);
    codes[column] = levels.codeOf(level[0]);
    errors[place] = x[column] - (level[0] * fit.scale + fit.minimum);
  }
}

void RowEncoder::storeCodes(const Sample &sample, Fit fit, uint8_t *codes) {
  fits.push_back({fit.scale * unit, fit.minimum * unit});
  scratch.resize(sample.count);
  levels.nearest(sample.x, fit.minimum, inverseOf(fit.scale),
                 sample.count, scratch.data());
  for (int64_t i = 0; i < group; ++i)
    codes[i] = levels.codeOf(scratch[i]);
}

/// Of a scale's code and those beside it, the one with the least error.
uint32_t RowEncoder::bestNeighbour(uint32_t bits, float minimum) {
  FloatKind kind = type.getScale().floatKind;
  uint32_t last = kind == FloatKind::E8M0 ? 0xfe : 0x7e, best = bits;
  double least = INFINITY;
  for (uint32_t code = bits ? bits - 1 : 0; code <= std::min(bits + 1, last);
       ++code) {
    float scale = toFloat(kind, code) / unit;
    double error =
        errorOf(groups.front().sample, levels, {scale, minimum}, scratch);
    if (error < least)
      least = error, best = code;
  }
  return best;
}

/// The group's scale and minimum, and the bits of the scale.
Fit RowEncoder::fitOneLevel(uint32_t &bits) {
  const Sample &sample = groups.front().sample;
  FloatKind kind = type.getScale().floatKind;
  Fit fit;
  if (type.hasMin())
    fit = fitScaleAndMinimum(sample, levels, /*below=*/false, scratch);
  else
    fit.scale = fitScale(sample, levels, isNegative, scratch);
  bits = bitsOf(fit.scale);
  if (isCoarse(kind))
    bits = bestNeighbour(bits, fit.minimum);
  return fit;
}

void RowEncoder::encodeOneLevel(RowParts &out) {
  FloatKind kind = type.getScale().floatKind;
  uint32_t bits = shared.scale.value_or(0), minBits = shared.min.value_or(0);
  if (!shared.scale) {
    Fit fit = fitOneLevel(bits);
    minBits = bitsOf(fit.minimum);
  }
  Fit fit = {toFloat(kind, bits) / unit, 0};
  *out.scale++ = ScaleBits(bits);
  if (type.hasMin()) {
    *out.min++ = ScaleBits(minBits);
    fit.minimum = toFloat(kind, minBits) / unit;
  }
  storeCodes(groups.front().sample, fit, out.codes);
}

//===----------------------------------------------------------------------===//
// Two levels
//===----------------------------------------------------------------------===//

/// What a group's integers make of the span's floats, as the type defines it.
Fit RowEncoder::fitOf(const Group &part, float scale, float min) const {
  return {scale * float(part.sub), type.hasMin() ? -(min * float(part.min)) : 0};
}

static int nearestInteger(float value, IntegerKind kind) {
  return int(std::clamp<float>(std::nearbyint(value), float(kind.min()),
                               float(kind.max())));
}

void RowEncoder::chooseIntegers(float scale, float min) {
  for (Group &part : groups) {
    part.sub = scale == 0 ? 0
                          : nearestInteger(part.fit.scale / scale,
                                           type.getScale().sub);
    if (type.hasMin())
      part.min = min == 0 ? 0
                          : nearestInteger(-part.fit.minimum / min,
                                           type.getZero().min.sub);
  }
}

/// Adds what the group contributes to the equations of the span's floats: with
/// a = sub·v and b = -min, sums += (aa, ab, bb, ax, bx).
void RowEncoder::addSums(const Group &part, float scale, float min,
                         double sums[5]) {
  const Sample &sample = part.sample;
  Fit fit = fitOf(part, scale, min);
  scratch.resize(sample.count);
  levels.nearest(sample.x, fit.minimum, inverseOf(fit.scale),
                 sample.count, scratch.data());
  for (size_t i = 0; i < sample.count; ++i) {
    double w = sample.w[i], a = part.sub * double(scratch[i]), b = -part.min;
    sums[0] += w * a * a;
    sums[1] += w * a * b;
    sums[2] += w * b * b;
    sums[3] += w * a * sample.x[i];
    sums[4] += w * b * sample.x[i];
  }
}

/// The floats of the span by least squares, for the present integers and codes.
void RowEncoder::refineFloats(float &scale, float &min) {
  double sums[5] = {};
  for (const Group &part : groups)
    addSums(part, scale, min, sums);
  auto [aa, ab, bb, ax, bx] = sums;
  double determinant = aa * bb - ab * ab;
  if (type.hasMin() && determinant > 1e-12 * aa * bb) {
    scale = float((ax * bb - bx * ab) / determinant);
    min = float((bx * aa - ax * ab) / determinant);
  } else if (aa > 0) {
    scale = float((ax - ab * min) / aa);
  }
}

/// The best of a group's integers and their neighbours.
void RowEncoder::refineGroup(Group &part, float scale, float min) {
  IntegerKind sub = type.getScale().sub, below = type.getZero().min.sub;
  Group best = part, tried = part;
  double least = errorOf(part.sample, levels, fitOf(part, scale, min), scratch);
  int reach = type.hasMin() ? 1 : 0;
  for (int s = -1; s <= 1; ++s)
    for (int m = -reach; m <= reach; ++m) {
      tried.sub = part.sub + s, tried.min = part.min + m;
      if ((s == 0 && m == 0) || !sub.contains(tried.sub) ||
          (reach && !below.contains(tried.min)))
        continue;
      double error =
          errorOf(part.sample, levels, fitOf(tried, scale, min), scratch);
      if (error < least)
        least = error, best = tried;
    }
  part = best;
}

void RowEncoder::encodeTwoLevels(RowParts &out) {
  IntegerKind sub = type.getScale().sub, below = type.getZero().min.sub;
  float largest = 0, lowest = 0;
  for (Group &part : groups) {
    if (type.hasMin())
      part.fit = fitScaleAndMinimum(part.sample, levels, /*below=*/true, scratch);
    else
      part.fit.scale = fitScale(part.sample, levels, isNegative, scratch);
    if (std::abs(part.fit.scale) > std::abs(largest))
      largest = part.fit.scale;
    lowest = std::min(lowest, part.fit.minimum);
  }
  // Signed integers reach one further below zero.
  float scale = largest / float(sub.isSigned ? sub.min() : sub.max());
  float min = type.hasMin() ? -lowest / float(below.max()) : 0;
  chooseIntegers(scale, min);
  for (int round = 0; round < 2; ++round) {
    refineFloats(scale, min);
    scale = rounded(scale);
    min = rounded(min);
    for (Group &part : groups)
      refineGroup(part, scale, min);
  }
  *out.scale++ = ScaleBits(bitsOf(scale));
  if (type.hasMin())
    *out.min++ = ScaleBits(bitsOf(min));
  for (size_t g = 0; g < groups.size(); ++g) {
    *out.subScale++ = int16_t(groups[g].sub);
    if (type.hasMin())
      *out.subMin++ = int16_t(groups[g].min);
    storeCodes(groups[g].sample, fitOf(groups[g], scale, min),
               out.codes + g * group);
  }
}

void RowEncoder::encode(const float *x, RowParts out) {
  fits.clear();
  uint8_t *codes = out.codes;
  for (int64_t first = 0; first < columns; first += span) {
    load(x + first, first);
    if (type.isTwoLevel())
      encodeTwoLevels(out);
    else
      encodeOneLevel(out);
    out.codes += span;
  }
  if (compensation)
    compensate(x, codes);
}
