//===- QuantizedCache.cpp - what a quantized cache keeps -----------------===//

#include "compiler/Reference/QuantizedCache.h"

#include "compiler/Reference/Operations.h"
#include "dialects/LM/CacheLayout.h"

#include <algorithm>
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

/// x / scale as a whole number in low … high; 0 for a scale of 0.
static double codeOf(double x, float scale, float low, float high) {
  if (scale == 0)
    return 0;
  // nearbyint rounds halves to even in the default rounding mode.
  return std::nearbyintf(
      std::clamp(float(x) * (1.0f / scale), low, high));
}

/// The scale of one group, before it is rounded to f16.
static float scaleOf(llvm::ArrayRef<double> group, lm::CacheFormat format) {
  float extreme = 0;
  for (double x : group)
    if (std::abs(float(x)) > std::abs(extreme) ||
        (std::abs(float(x)) == std::abs(extreme) && float(x) < extreme))
      extreme = float(x);
  if (format == lm::CacheFormat::Q8)
    return std::abs(extreme) * (1.0f / 127);
  return extreme * (-1.0f / 8);
}

std::vector<double> reference::cacheVector(std::vector<double> vector,
                                           lm::CacheFormat format) {
  if (format == lm::CacheFormat::Q4)
    vector = rotateByHadamard(std::move(vector));
  bool isQ8 = format == lm::CacheFormat::Q8;
  for (size_t first = 0; first < vector.size(); first += lm::kCacheGroup) {
    auto group = llvm::MutableArrayRef(vector).slice(first).take_front(
        lm::kCacheGroup);
    float wanted = std::clamp(scaleOf(group, format), -65504.0f, 65504.0f);
    float scale = halfToFloat(floatToHalf(wanted));
    for (double &x : group)
      x = codeOf(x, scale, isQ8 ? -127 : -8, isQ8 ? 127 : 7) * scale;
  }
  return vector;
}

std::vector<double> reference::cacheQuery(std::vector<double> query,
                                          lm::CacheFormat format) {
  if (format == lm::CacheFormat::Q4)
    query = rotateByHadamard(std::move(query));
  for (size_t first = 0; first < query.size(); first += lm::kCacheGroup) {
    auto group = llvm::MutableArrayRef(query).slice(first).take_front(
        lm::kCacheGroup);
    float scale = scaleOf(group, lm::CacheFormat::Q8);
    for (double &x : group)
      x = codeOf(x, scale, -127, 127) * scale;
  }
  return query;
}
