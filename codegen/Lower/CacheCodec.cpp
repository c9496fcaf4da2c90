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
static_assert(lm::kKeyBlock == kLane, "a group's scales of a block are one vector, and so are its numbers in 4 bits");

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
    x.push_back(k.load(k.vec(k.f32(), kLane), k.at(vector, k.f32(), group * layout.group() + offset)));
  return x;
}

Value CacheCodec::greatest(ValueRange vectors) const {
  Value most = vectors.front();
  for (Value other : vectors.drop_front())
    most = k.maxf(most, other);
  return k.reduceMaxf(most);
}

CacheCodec::Half CacheCodec::roundToHalf(Value x) const {
  Value inside = k.maxf(k.minf(x, k.f32(kLargestHalf)), k.f32(-kLargestHalf));
  // A vector: LLVM would convert a single f16 by a library function on some targets.
  Value half = roundTo(k, target, k.splat(inside, 4), k.f16());
  return {k.extract(half, 0), k.extract(halfAsF32(k, target, half), 0)};
}

/// 1 / scale; 0 for a scale of 0.
Value CacheCodec::inverseOf(Value scale) const {
  Value isZero = k.cmp(KernelBuilder::FCmp::OEQ, scale, k.zero(k.f32()));
  return k.select(isZero, k.zero(k.f32()), k.divf(k.f32(1), scale));
}

Value CacheCodec::codesOf(Value numbers, Value inverse, int64_t low, int64_t high) const {
  return k.roundToInt(clamp(k.mulf(numbers, k.splat(inverse, kLane)), low, high), k.i32());
}

CacheCodec::Group CacheCodec::quantize(Value vector, int64_t group) const {
  Values numbers = loadGroup(vector, group);
  return layout.bits == 8 ? quantizeTo8Bits(numbers) : quantizeTo4Bits(numbers.front());
}

CacheCodec::Group CacheCodec::quantizeTo8Bits(ValueRange numbers) const {
  Values magnitudes;
  for (Value x : numbers)
    magnitudes.push_back(k.absf(x));
  Half scale = roundToHalf(k.mulf(greatest(magnitudes), k.f32(1.0f / 127)));
  Group result{scale.bits, {}, {}};
  for (Value x : numbers)
    result.codes.push_back(codesOf(x, inverseOf(scale.number), -127, 127));
  return result;
}

/// Codes between the least and the greatest number, then the line through (code, number) by least squares: with n = 16
/// and y above the least number, d = (n Σcy - Σc Σy) / (n Σc² - (Σc)²) and m = least + (Σy - d Σc) / n.
CacheCodec::Group CacheCodec::quantizeTo4Bits(Value numbers) const {
  Value least = k.negf(greatest(k.negf(numbers))), range = k.subf(greatest(numbers), least);
  // Below it 15 / range may be infinite.
  Value isNarrow = k.cmp(KernelBuilder::FCmp::OLE, range, k.f32(0x1p-96));
  Value inverse = k.select(isNarrow, k.zero(k.f32()), k.divf(k.f32(15), range));
  Value above = k.subf(numbers, k.splat(least, kLane));
  Value codes = codesOf(above, inverse, 0, 15);

  Value sum = k.reduceAdd(codes), squares = k.reduceAdd(k.mul(codes, codes));
  Value aboves = k.reduceAddf(above), products = k.reduceAddf(k.mulf(k.intToFloat(codes, k.f32()), above));
  Value spread = k.sub(k.mul(squares, kLane), k.mul(sum, sum)), codeSum = k.intToFloat(sum, k.f32());
  Value slope = k.divf(k.fma(k.f32(kLane), products, k.negf(k.mulf(codeSum, aboves))), k.intToFloat(spread, k.f32()));
  Half scale = roundToHalf(k.select(k.eq(spread, k.constant(k.i32(), int64_t(0))), k.zero(k.f32()), slope));
  Value rest = k.fma(k.negf(scale.number), codeSum, aboves);
  Half minimum = roundToHalf(k.fma(rest, k.f32(1.0f / kLane), least));
  return {scale.bits, minimum.bits, {codes}};
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
  Value low = k.slice(bytes[0], 0, kLane / 2), high = k.slice(bytes[0], kLane / 2, kLane / 2);
  return {k.bitOr(low, k.shl(high, 4))};
}

Value CacheCodec::scalesOf(Value block, Value group) const {
  return k.offset(block, k.mul(group, lm::kKeyBlock * 2));
}

void CacheCodec::storeScale(const Group &quantized, Value block, int64_t group, Value lane) const {
  k.store(quantized.scale, k.at(scalesOf(block, k.i64(group)), k.f16(), lane));
  if (quantized.minimum)
    k.store(quantized.minimum, k.at(minimaOf(block, k.i64(group)), k.f16(), lane));
}

void CacheCodec::storeKey(Value vector, Value block, Value lane) const {
  Value quad = k.at(codesOf(block), k.i32(), lane); // the position's place in the first quad
  for (int64_t group = 0; group < layout.groups(); ++group) {
    Group quantized = quantize(vector, group);
    storeScale(quantized, block, group, lane);
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
    storeScale(quantized, block, group, lane);
    for (Value bytes : pack(quantized)) {
      k.store(bytes, place);
      place = k.offset(place, KernelBuilder::lanes(bytes));
    }
  }
}

Value CacheCodec::loadValueCodes(Value codes, int64_t offset) const {
  if (layout.bits == 8)
    return k.intToFloat(k.load(k.vec(k.i8(), kLane), k.offset(codes, offset)), k.f32());
  Value bytes = k.load(k.vec(k.i8(), kLane / 2), k.offset(codes, offset / 2));
  return k.intToFloat(k.concat(k.bitAnd(bytes, 15), k.shru(bytes, 4)), k.f32());
}

//===--- queries -----------------------------------------------------------===//

void CacheCodec::quantizeQuery(Value vector, Value codes, Value scales, Value sums) const {
  for (int64_t group = 0; group < layout.groups(); ++group) {
    Values x = loadGroup(vector, group), magnitudes;
    for (Value v : x)
      magnitudes.push_back(k.absf(v));
    Value scale = k.mulf(greatest(magnitudes), k.f32(1.0f / 127));
    Value sum;
    for (auto [i, v] : llvm::enumerate(x)) {
      Value code = codesOf(v, inverseOf(scale), -127, 127);
      k.store(k.trunc(code, k.i8()), k.offset(codes, group * layout.group() + i * kLane));
      sum = sum ? k.add(sum, code) : code;
    }
    k.store(scale, k.at(scales, k.f32(), group));
    k.store(k.reduceAdd(sum), k.at(sums, k.i32(), group));
  }
}

} // namespace nibble
