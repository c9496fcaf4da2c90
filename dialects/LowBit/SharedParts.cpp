//===- SharedParts.cpp - what all rows of a tensor have in common --------===//
//
// See SharedParts.h.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/SharedParts.h"

#include "dialects/LowBit/LearnedBook.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

/// Values that a search looks at.
static constexpr int64_t kMostValues = int64_t(1) << 20;

SharedSearch::SharedSearch(BlockType type, int64_t rows, int64_t columns)
    : type(type), columns(columns),
      isTernary(type.getGroup() == kTensorGroup && type.getCode().isInteger() &&
                type.getCode().width == 2 && type.getZeroPoint() == 1) {
  if (!isTernary)
    every = std::max<int64_t>(1, (rows * columns + kMostValues - 1) / kMostValues);
}

bool SharedSearch::isNeeded(BlockType type) {
  return type.getGroup() == kTensorGroup ||
         type.getCode().stored == CodeKind::Tensor;
}

/// What is no number is an error of the encoder's, which comes later.
static float finite(float value) { return std::isfinite(value) ? value : 0; }

void SharedSearch::add(const float *row) {
  if (isTernary)
    return addMagnitudes(row);
  for (int64_t i = 0; i < columns; ++i)
    values.push_back(finite(row[i]));
}

void SharedSearch::addMagnitudes(const float *row) {
  for (int64_t i = 0; i < columns; ++i) {
    float magnitude = std::abs(finite(row[i]));
    sum += magnitude;
    if (magnitude != 0 && onlyMagnitude == 0)
      onlyMagnitude = magnitude;
    hasOthers |= magnitude != 0 && magnitude != onlyMagnitude;
  }
  count += columns;
}

SharedParts SharedSearch::findTernary() const {
  float scale = !hasOthers ? onlyMagnitude : float(sum / double(count));
  SharedParts parts;
  parts.scale = finiteBits(type.getScale().floatKind, scale);
  return parts;
}

SharedParts SharedSearch::find() {
  if (isTernary)
    return findTernary();
  SharedParts parts;
  FloatKind kind = type.getScale().floatKind;
  bool isOneGroup = type.getGroup() == kTensorGroup;
  int64_t group = isOneGroup ? int64_t(values.size()) : type.getGroupIn(columns);
  PaddedGroups groups(values.data(), int64_t(values.size()), group);
  const std::vector<Sample> &samples = groups.samples();
  const bool learns = type.getCode().stored == CodeKind::Tensor;
  if (learns)
    parts.book = learnBook(type, samples);
  if (!isOneGroup)
    return parts;
  Levels levels = learns ? Levels(numbersOfBook(type.getCode(), parts.book.data()))
                         : Levels::of(type);
  Scratch scratch;
  Fit fit;
  if (type.hasMin())
    fit = fitScaleAndMinimum(samples[0], levels, /*below=*/false, scratch);
  else
    fit.scale = fitScale(samples[0], levels, byteWidth(kind) > 1, scratch);
  parts.scale = finiteBits(kind, fit.scale * groups.unit());
  if (type.hasMin())
    parts.min = finiteBits(kind, fit.minimum * groups.unit());
  return parts;
}
