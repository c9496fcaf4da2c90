//===- CacheCodec.cpp - numbers to and from a quantized cache -------------===//
//
// See CacheCodec.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CacheCodec.h"

#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include <cmath>

using namespace mlir;

namespace nibble {

/// Dimensions that one vector holds.
constexpr int64_t kLane = lm::kCacheUnit;
static_assert(lm::kKeyBlock == kLane, "a group's scales of a block are one vector");

constexpr double kLargestHalf = 65504;

std::string cacheName(const lm::CacheLayout &layout) {
  if (auto cached = dyn_cast<lm::CachedType>(layout.element))
    return lm::stringifyCacheFormat(cached.getFormat()).str();
  return typeName(layout.element);
}

//===--- rotation ----------------------------------------------------------===//

/// One step within a vector: lanes i and i ^ distance become their sum and their difference.
static Value butterfly(KernelBuilder &k, Value x, int64_t distance) {
  SmallVector<int64_t> partner(kLane);
  SmallVector<float> sign(kLane);
  for (int64_t i = 0; i < kLane; ++i) {
    partner[i] = i ^ distance;
    sign[i] = i & distance ? -1 : 1;
  }
  Value signs = arith::ConstantOp::create(
      k.builder(), k.location(), DenseElementsAttr::get(k.vec(k.f32(), kLane), ArrayRef<float>(sign)));
  return k.fma(x, signs, k.shuffle(x, x, partner));
}

void CacheCodec::rotate(Value pointer) const {
  int64_t size = layout.rotation(), count = size / kLane;
  if (size == 1)
    return;
  Type type = k.vec(k.f32(), kLane);
  k.loop(k.i64(0), k.i64(layout.headDim), size, [&](Value first) {
    Value block = k.at(pointer, k.f32(), first);
    Values x;
    for (int64_t i = 0; i < count; ++i)
      x.push_back(k.load(type, k.at(block, k.f32(), i * kLane)));
    for (int64_t distance = 1; distance < kLane; distance *= 2)
      for (Value &vector : x)
        vector = butterfly(k, vector, distance);
    for (int64_t distance = 1; distance < count; distance *= 2)
      for (int64_t i = 0; i < count; ++i)
        if (!(i & distance)) {
          Value sum = k.addf(x[i], x[i + distance]), difference = k.subf(x[i], x[i + distance]);
          x[i] = sum, x[i + distance] = difference;
        }
    for (int64_t i = 0; i < count; ++i)
      k.store(k.mulf(x[i], k.constant(type, 1 / std::sqrt(double(size)))), k.at(block, k.f32(), i * kLane));
  });
}

//===--- codes -------------------------------------------------------------===//

CacheCodec::Values CacheCodec::loadGroup(Value vector, int64_t group) const {
  Values x;
  for (int64_t offset = 0; offset < layout.groupSize(group); offset += kLane)
    x.push_back(k.load(k.vec(k.f32(), kLane), k.at(vector, k.f32(), group * lm::kCacheGroup + offset)));
  return x;
}

Value CacheCodec::greatest(ValueRange vectors) const {
  Value most = vectors.front();
  for (Value other : vectors.drop_front())
    most = k.maxf(most, other);
  return k.reduceMaxf(most);
}

CacheCodec::Group CacheCodec::quantize(Value vector, int64_t group) const {
  Values x = loadGroup(vector, group), magnitudes;
  for (Value v : x)
    magnitudes.push_back(layout.bits == 8 ? k.absf(v) : k.negf(v));
  Value scale;
  if (layout.bits == 8) {
    scale = k.mulf(greatest(magnitudes), k.f32(1.0f / 127));
  } else {
    // The number of greatest magnitude gets the code 0, the one magnitude that only one sign has.
    Value high = greatest(x), low = greatest(magnitudes); // low: of the negated ones
    scale = k.mulf(k.select(k.cmp(KernelBuilder::FCmp::OGT, high, low), high, k.negf(low)), k.f32(-1.0f / 8));
  }
  scale = k.maxf(k.minf(scale, k.f32(kLargestHalf)), k.f32(-kLargestHalf));
  Value half = roundTo(k, target, k.splat(scale, 4), k.f16());
  // A vector: LLVM would convert a single f16 by a library function on some targets.
  Value divisor = halfAsF32(k, target, half);
  Value isZero = k.cmp(KernelBuilder::FCmp::OEQ, k.extract(divisor, 0), k.zero(k.f32()));
  Value inverse = k.select(isZero, k.zero(k.f32()), k.divf(k.f32(1), k.extract(divisor, 0)));

  int64_t lowest = layout.bits == 8 ? -127 : -8, highest = layout.bits == 8 ? 127 : 7;
  Group result{k.extract(half, 0), {}};
  for (Value v : x) {
    Value code = k.roundToInt(clamp(k.mulf(v, k.splat(inverse, kLane)), lowest, highest), k.i32());
    result.codes.push_back(layout.bits == 8 ? code : k.add(code, 8));
  }
  return result;
}

/// x in [low, high]; a NaN becomes a number.
Value CacheCodec::clamp(Value x, int64_t low, int64_t high) const {
  return k.minf(k.maxf(x, k.constant(x.getType(), double(low))), k.constant(x.getType(), double(high)));
}

CacheCodec::Values CacheCodec::pack(const Group &group) const {
  Values bytes;
  for (Value codes : group.codes)
    bytes.push_back(k.trunc(codes, k.i8()));
  if (layout.bits == 8)
    return bytes;
  Value low = bytes[0], high = bytes.back();
  if (bytes.size() == 1) {
    low = k.slice(bytes[0], 0, kLane / 2);
    high = k.slice(bytes[0], kLane / 2, kLane / 2);
  }
  return {k.bitOr(low, k.shl(high, 4))};
}

Value CacheCodec::scalesOf(Value block, Value group) const {
  return k.offset(block, k.mul(group, lm::kKeyBlock * 2));
}

void CacheCodec::storeScale(Value scale, Value block, int64_t group, Value lane) const {
  k.store(scale, k.at(scalesOf(block, k.i64(group)), scale.getType(), lane));
}

void CacheCodec::storeKey(Value vector, Value block, Value lane) const {
  Value quad = k.at(codesOf(block), k.i32(), lane); // the position's place in the first quad
  for (int64_t group = 0; group < layout.groups(); ++group) {
    Group quantized = quantize(vector, group);
    storeScale(quantized.scale, block, group, lane);
    for (Value bytes : pack(quantized)) {
      int64_t count = KernelBuilder::lanes(bytes) / 4;
      Value words = k.bitcast(bytes, k.vec(k.i32(), count));
      for (int64_t i = 0; i < count; ++i) {
        k.store(k.extract(words, i), quad);
        quad = k.at(quad, k.i32(), lm::kKeyBlock);
      }
    }
  }
}

void CacheCodec::storeValue(Value vector, Value block, Value lane) const {
  Value place = k.offset(codesOf(block), k.mul(lane, valueStride()));
  for (int64_t group = 0; group < layout.groups(); ++group) {
    Group quantized = quantize(vector, group);
    storeScale(quantized.scale, block, group, lane);
    for (Value bytes : pack(quantized)) {
      k.store(bytes, place);
      place = k.offset(place, KernelBuilder::lanes(bytes));
    }
  }
}

Value CacheCodec::loadValueCodes(Value codes, int64_t offset) const {
  if (layout.bits == 8)
    return k.intToFloat(k.load(k.vec(k.i8(), kLane), k.offset(codes, offset)), k.f32());
  int64_t group = offset / lm::kCacheGroup, size = layout.groupSize(group);
  Value bytes = k.load(k.vec(k.i8(), size / 2), k.offset(codes, group * lm::kCacheGroup / 2));
  Value low = k.bitAnd(bytes, 15), high = k.shru(bytes, 4);
  Value nibbles = size == kLane ? k.concat(low, high) : offset % lm::kCacheGroup == 0 ? low : high;
  return k.intToFloat(k.sub(nibbles, 8), k.f32());
}

//===--- queries -----------------------------------------------------------===//

void CacheCodec::quantizeQuery(Value vector, Value codes, Value scales, Value sums) const {
  for (int64_t group = 0; group < layout.groups(); ++group) {
    Values x = loadGroup(vector, group), magnitudes;
    for (Value v : x)
      magnitudes.push_back(k.absf(v));
    Value scale = k.mulf(greatest(magnitudes), k.f32(1.0f / 127));
    Value isZero = k.cmp(KernelBuilder::FCmp::OEQ, scale, k.zero(k.f32()));
    Value inverse = k.select(isZero, k.zero(k.f32()), k.divf(k.f32(1), scale));
    Value sum;
    for (auto [i, v] : llvm::enumerate(x)) {
      Value code = k.roundToInt(clamp(k.mulf(v, k.splat(inverse, kLane)), -127, 127), k.i32());
      k.store(k.trunc(code, k.i8()), k.offset(codes, group * lm::kCacheGroup + i * kLane));
      sum = sum ? k.add(sum, code) : code;
    }
    k.store(scale, k.at(scales, k.f32(), group));
    k.store(k.reduceAdd(sum), k.at(sums, k.i32(), group));
  }
}

} // namespace nibble
