//===- QuantizedCache.cpp - what a quantized cache keeps -----------------===//

#include "compiler/Reference/QuantizedCache.h"

#include "compiler/Reference/Operations.h"
#include <algorithm>
#include <array>
#include <cmath>

using namespace nibble;
using namespace nibble::reference;

State::State(std::vector<int64_t> shape, FloatKind element)
    : shape(std::move(shape)), element(element) {
  int64_t count = 1;
  for (int64_t size : this->shape)
    count *= size;
  values.resize(count);
}

State::State(std::vector<int64_t> shape, lm::CacheFormat format)
    : State(std::move(shape), FloatKind::F32) {
  cached = format;
}

void State::store(int64_t index, double value) {
  float rounded = float(value);
  values[index] = element == FloatKind::F16 ? halfToFloat(floatToHalf(rounded))
                                            : rounded;
}

void State::storeVector(int64_t index, const double *vector) {
  std::vector<double> kept(vector, vector + shape.back());
  if (cached)
    kept = cacheVector(std::move(kept), *cached);
  for (int64_t d = 0; d < shape.back(); ++d)
    store(index + d, kept[d]);
}

std::vector<double> reference::rotateByHadamard(std::vector<double> vector) {
  size_t length = vector.size(), size = length & -length;
  for (size_t first = 0; first < length; first += size)
    for (size_t distance = 1; distance < size; distance *= 2)
      for (size_t i = first; i < first + size; ++i)
        if (!(i & distance)) {
          double a = vector[i], b = vector[i + distance];
          vector[i] = a + b;
          vector[i + distance] = a - b;
        }
  for (double &value : vector)
    value /= std::sqrt(double(size));
  return vector;
}

/// x · inverse as a whole number in low … high.
static float codeOf(float x, float inverse, float low, float high) {
  // nearbyint rounds halves to even in the default rounding mode.
  return std::nearbyintf(std::clamp(x * inverse, low, high));
}

static float roundToHalf(float x) {
  return halfToFloat(floatToHalf(std::clamp(x, -65504.0f, 65504.0f)));
}

/// The scale of a group of 8-bit codes.
static float scaleOf(llvm::ArrayRef<double> group) {
  float greatest = 0;
  for (double x : group)
    greatest = std::max(greatest, std::abs(float(x)));
  return greatest * (1.0f / 127);
}

/// Replaces the numbers by their codes of 8 bits times the scale.
static void roundTo8Bits(llvm::MutableArrayRef<double> group, float scale) {
  float inverse = scale == 0 ? 0 : 1.0f / scale;
  for (double &x : group)
    x = double(codeOf(float(x), inverse, -127, 127)) * scale;
}

/// The sum of 16 numbers as the kernels have it: halves upon each other.
static float sumOf(std::array<float, 16> lanes) {
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i)
      lanes[i] += lanes[i + half];
  return lanes[0];
}

/// The line m + d·code that is nearest to the numbers, in place of the numbers.
static void roundTo4Bits(llvm::MutableArrayRef<double> group) {
  auto [least, greatest] = std::minmax_element(group.begin(), group.end());
  float low = float(*least), range = float(*greatest) - low;
  float inverse = range <= 0x1p-96f ? 0 : 15.0f / range;
  std::array<float, 16> above, codes, products;
  int sum = 0, squares = 0; // of codes
  for (size_t i = 0; i < group.size(); ++i) {
    above[i] = float(group[i]) - low;
    codes[i] = codeOf(above[i], inverse, 0, 15);
    products[i] = codes[i] * above[i];
    sum += int(codes[i]);
    squares += int(codes[i]) * int(codes[i]);
  }
  float aboves = sumOf(above), both = float(sum) * aboves;
  float spread = float(16 * squares - sum * sum);
  float slope = std::fma(16.0f, sumOf(products), -both) / spread;
  float scale = spread == 0 ? 0 : roundToHalf(slope);
  float rest = std::fma(-scale, float(sum), aboves);
  float minimum = roundToHalf(std::fma(rest, 1.0f / 16, low));
  for (size_t i = 0; i < group.size(); ++i)
    group[i] = double(minimum) + double(codes[i]) * scale;
}

static void forEachGroup(std::vector<double> &vector, lm::CacheFormat format,
                         llvm::function_ref<void(llvm::MutableArrayRef<double>)> visit) {
  size_t size = format == lm::CacheFormat::Q8 ? 32 : 16;
  for (size_t first = 0; first < vector.size(); first += size)
    visit(llvm::MutableArrayRef(vector).slice(first).take_front(size));
}

std::vector<double> reference::cacheVector(std::vector<double> vector,
                                           lm::CacheFormat format) {
  if (format == lm::CacheFormat::Q4)
    vector = rotateByHadamard(std::move(vector));
  forEachGroup(vector, format, [&](llvm::MutableArrayRef<double> group) {
    if (format == lm::CacheFormat::Q8)
      roundTo8Bits(group, roundToHalf(scaleOf(group)));
    else
      roundTo4Bits(group);
  });
  return vector;
}

std::vector<double> reference::cacheQuery(std::vector<double> query,
                                          lm::CacheFormat format) {
  if (format == lm::CacheFormat::Q4)
    query = rotateByHadamard(std::move(query));
  forEachGroup(query, format, [&](llvm::MutableArrayRef<double> group) {
    roundTo8Bits(group, scaleOf(group));
  });
  return query;
}
