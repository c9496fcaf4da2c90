//===- Levels.cpp - the numbers a code can stand for ---------------------===//
//
// See Levels.h. The loops are written over a multiple of eight numbers so that
// they become vector code without a flag that would allow other sums.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Levels.h"

#include <algorithm>
#include <cmath>

using namespace nibble;
using namespace nibble::lowbit;

std::vector<float> lowbit::valuesOfCodes(BlockType type) {
  CodeKind kind = type.getCode();
  if (kind.book)
    return kind.book->levels;
  std::vector<float> values(size_t(1) << kind.width);
  for (size_t code = 0; code < values.size(); ++code)
    values[code] = float(kind.decode(unsigned(code)) - type.getZeroPoint());
  return values;
}

Levels Levels::of(BlockType type) {
  std::vector<float> values = valuesOfCodes(type);
  if (type.getCode().isInteger() && values.size() == 4 &&
      type.getZeroPoint() == 1)
    values.pop_back();
  return Levels(values);
}

Levels::Levels(llvm::ArrayRef<float> valueOfCode) {
  std::vector<size_t> order;
  for (size_t code = 0; code < valueOfCode.size(); ++code)
    if (std::isfinite(valueOfCode[code]))
      order.push_back(code);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(valueOfCode[a], a) < std::pair(valueOfCode[b], b);
  });
  for (size_t code : order) {
    if (!values.empty() && values.back() == valueOfCode[code])
      continue;
    values.push_back(valueOfCode[code]);
    codes.push_back(uint8_t(code));
  }
  isUniform = true;
  for (size_t index = 0; index + 1 < values.size(); ++index) {
    middles.push_back(0.5f * (values[index] + values[index + 1]));
    isUniform &= values[index + 1] == values[index] + 1;
  }
  isUniform &= values.front() == float(int(values.front()));
}

/// Adding and subtracting 1.5·2^23 rounds to the nearest integer, ties to even,
/// for magnitudes below 2^22.
static float roundToInteger(float value) {
  constexpr float magic = 0x1.8p23f;
  return (value + magic) - magic;
}

/// More levels than this are searched by halves instead of one by one.
constexpr size_t kLinearLevels = 16;

void Levels::nearest(const float *x, float shift, float inverse, size_t count,
                     float *level) const {
  const float low = lowest(), high = highest();
  if (isUniform) {
    for (size_t i = 0; i < count; ++i) {
      float step = (x[i] - shift) * inverse;
      step = step < low ? low : step;
      level[i] = roundToInteger(step > high ? high : step);
    }
    return;
  }
  if (values.size() > kLinearLevels) {
    for (size_t i = 0; i < count; ++i) {
      float step = (x[i] - shift) * inverse;
      level[i] = values[std::lower_bound(middles.begin(), middles.end(), step) -
                        middles.begin()];
    }
    return;
  }
  for (size_t i = 0; i < count; ++i)
    level[i] = low;
  for (size_t index = 0; index < middles.size(); ++index) {
    const float middle = middles[index], value = values[index + 1];
    for (size_t i = 0; i < count; ++i)
      level[i] = (x[i] - shift) * inverse > middle ? value : level[i];
  }
}

uint8_t Levels::codeOf(float level) const {
  return codes[std::lower_bound(values.begin(), values.end(), level) -
               values.begin()];
}
