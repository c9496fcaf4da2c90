//===- VectorMath.cpp - Elementary functions as IR ------------------------===//
//
// The polynomials, their derivation and their measured errors; the contract is in
// VectorMath.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/VectorMath.h"

#include "compiler/Target/TargetInfo.h"

#include <cmath>

using namespace mlir;

namespace nibble {

static Value splatOf(KernelBuilder &k, Value like, double value) { return k.constant(like.getType(), value); }

/// Integers with the lanes and the width of an f32 value.
static Type bitsOf(KernelBuilder &k, Value x) { return KernelBuilder::withElement(x.getType(), k.i32()); }

Value emitGreater(KernelBuilder &k, Value a, Value c) { return k.select(k.cmp(KernelBuilder::FCmp::OGT, a, c), a, c); }

//===--- exp ---------------------------------------------------------------===//
//
//   exp(x) = 2^n · exp(r),  n = round(x / ln 2),  r = x - n·ln 2,  |r| ≤ ln 2 / 2
//   exp(r) ≈ 1 + r + r²·(c2 + c3·r + c4·r² + c5·r³ + c6·r⁴)
//
// The coefficients minimise the greatest relative error (Remez' exchange with the weight r²/exp(r)): 2^-28.28
// before they are rounded to f32. ln 2 is taken in two parts (Cody and Waite, 1980); the first has 9 bits, so that
// n·high is exact without a fused multiply-add, too. The power of two is applied in two halves: each is a normal
// number, so results that are subnormal or infinite come out right by the multiplication itself.
//
// Measured over all 2.24e9 floats in [-104, 88.73] against exp() of glibc in double:
//   greatest error 1.0095 ulp (fused) and 0.9820 ulp (separate); subnormal results 0.7503 units of 2^-149.

constexpr float kExpCoefficients[] = {0x1.6a23cap-10f, 0x1.123a2p-7f, 0x1.5558f2p-5f, 0x1.555492p-3f, 0x1.fffffcp-2f};
constexpr float kInverseLn2 = 0x1.715476p+0f;
constexpr float kLn2High = 0x1.63p-1f;       // 0.693359375
constexpr float kLn2Low = -0x1.bd0106p-13f;  // ln 2 - high
constexpr float kRoundingShift = 0x1.8p+23f; // adding it leaves the nearest integer in the low bits of the sum
constexpr int32_t kRoundingShiftBits = 0x4b400000;
constexpr float kExpLow = -104.0f; // exp is below half of the least subnormal, 2^-150 = exp(-103.97)
constexpr float kExpLowNormal = -87.0f; // n ≥ -126 from here on
constexpr float kExpHigh = 89.0f;  // exp is above the greatest float, exp(88.723)

/// 2^n for an integer in [-126, 127].
static Value powerOfTwo(KernelBuilder &k, Value n, Type type) { return k.bitcast(k.shl(k.add(n, 127), 23), type); }

namespace {

/// exp(x) = power · 2^n, with 1/2 ≤ power < 2; n is an i32.
struct ExpParts {
  Value power, n;
};

} // namespace

static ExpParts emitExpParts(KernelBuilder &k, Value x) {
  Value shift = splatOf(k, x, kRoundingShift);
  Value shifted = k.fma(x, splatOf(k, x, kInverseLn2), shift);
  Value rounded = k.subf(shifted, shift);
  Value r = k.fma(rounded, splatOf(k, x, -kLn2High), x);
  r = k.fma(rounded, splatOf(k, x, -kLn2Low), r);

  Value q = splatOf(k, x, kExpCoefficients[0]);
  for (float coefficient : ArrayRef(kExpCoefficients).drop_front())
    q = k.fma(q, r, splatOf(k, x, coefficient));
  Value power = k.addf(k.fma(k.mulf(r, r), q, r), splatOf(k, x, 1.0));
  return {power, k.sub(k.bitcast(shifted, bitsOf(k, x)), kRoundingShiftBits)};
}

Value emitExp(KernelBuilder &k, Value x) {
  // The bound stands first: a comparison with NaN is false and lets the NaN through.
  x = emitGreater(k, splatOf(k, x, kExpLow), x);
  Value high = splatOf(k, x, kExpHigh);
  x = k.select(k.cmp(KernelBuilder::FCmp::OLT, high, x), high, x);

  auto [p, n] = emitExpParts(k, x);
  Value half = k.shrs(n, 1);
  p = k.mulf(p, powerOfTwo(k, half, x.getType()));
  return k.mulf(p, powerOfTwo(k, k.sub(n, half), x.getType()));
}

Value emitExpOfNegative(KernelBuilder &k, Value x) {
  auto [p, n] = emitExpParts(k, x);
  Value isTooLow = k.cmp(KernelBuilder::FCmp::OLT, x, splatOf(k, x, kExpLowNormal));
  return k.select(isTooLow, k.zero(x.getType()), k.mulf(p, powerOfTwo(k, n, x.getType())));
}

//===--- tanh --------------------------------------------------------------===//
//
//   |x| < 0.625:  x + x³·(c0 + c1·x² + … + c4·x⁸), where 1 - 2 / (1 + exp(2|x|)) would cancel
//   otherwise:    sign(x) · (1 - 2 / (1 + exp(2|x|)))
//
// The coefficients minimise the greatest relative error (Lawson's iteration with the weight x³/tanh(x)): 2^-27.7.

constexpr float kTanhCoefficients[] = {-0x1.75e1c2p-8f, 0x1.522698p-6f, -0x1.b83c5ap-5f, 0x1.110726p-3f,
                                       -0x1.555532p-2f};
constexpr float kTanhSplit = 0.625f;

Value emitTanh(KernelBuilder &k, Value x) {
  Value magnitude = k.absf(x), square = k.mulf(x, x);
  Value q = splatOf(k, x, kTanhCoefficients[0]);
  for (float coefficient : ArrayRef(kTanhCoefficients).drop_front())
    q = k.fma(q, square, splatOf(k, x, coefficient));
  Value small = k.fma(k.mulf(q, square), x, x);

  Value one = splatOf(k, x, 1.0);
  Value e = emitExp(k, k.addf(magnitude, magnitude));
  Value large = k.subf(one, k.divf(splatOf(k, x, 2.0), k.addf(one, e)));
  large = k.select(k.cmp(KernelBuilder::FCmp::OLT, x, k.zero(x.getType())), k.negf(large), large);
  return k.select(k.cmp(KernelBuilder::FCmp::OLT, magnitude, splatOf(k, x, kTanhSplit)), small, large);
}

//===--- activations -------------------------------------------------------===//

/// x ≥ 0: 1 / (1 + e);  x < 0: e / (1 + e);  e = exp(-|x|). Both keep their relative precision.
Value emitSigmoid(KernelBuilder &k, Value x) {
  Value one = splatOf(k, x, 1.0);
  Value e = emitExpOfNegative(k, k.negf(k.absf(x)));
  Value negative = k.cmp(KernelBuilder::FCmp::OLT, x, k.zero(x.getType()));
  return k.divf(k.select(negative, e, one), k.addf(one, e));
}

Value emitSiLU(KernelBuilder &k, Value x) { return k.mulf(x, emitSigmoid(k, x)); }

/// (1 + tanh z) / 2 = sigmoid(2z).
Value emitGELU(KernelBuilder &k, Value x) {
  const double twice = 2.0 * std::sqrt(2.0 / 3.14159265358979323846);
  Value square = k.mulf(x, x);
  Value factor = k.fma(square, splatOf(k, x, twice * 0.044715), splatOf(k, x, twice));
  return k.mulf(x, emitSigmoid(k, k.mulf(x, factor)));
}

/// The coefficients of erfc(z) ≈ t·(a1 + t·(a2 + …))·exp(-z²), t = 1 / (1 + 0.3275911·z), z ≥ 0; the highest power
/// first. Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: |error| ≤ 1.5e-7.
constexpr double kErfcCoefficients[] = {1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592};

/// Φ(x) = erfc(-x/√2) / 2; for x > 0 one less that of -x.
Value emitGELUErf(KernelBuilder &k, Value x) {
  Value one = splatOf(k, x, 1.0), magnitude = k.mulf(k.absf(x), splatOf(k, x, 0.70710678118654752));
  Value t = k.divf(one, k.fma(magnitude, splatOf(k, x, 0.3275911), one));
  Value q = splatOf(k, x, kErfcCoefficients[0]);
  for (double coefficient : ArrayRef(kErfcCoefficients).drop_front())
    q = k.fma(q, t, splatOf(k, x, coefficient));
  Value power = emitExp(k, k.negf(k.mulf(magnitude, magnitude)));
  Value tail = k.mulf(k.mulf(k.mulf(q, t), splatOf(k, x, 0.5)), power);
  Value negative = k.cmp(KernelBuilder::FCmp::OLT, x, k.zero(x.getType()));
  return k.mulf(x, k.select(negative, tail, k.subf(one, tail)));
}

//===--- half precision ----------------------------------------------------===//

/// Whether LLVM converts between f16 and f32 with instructions, not with calls.
static bool convertsHalf(const TargetInfo &target) { return !target.isX86() || target.has("f16c"); }

/// f16 bits as f32. Exponent and mantissa, moved into place, are the value times 2^-112, subnormals included;
/// the multiplication is exact. Infinities and NaNs get the greatest exponent instead.
static Value halfBitsToFloat(KernelBuilder &k, Value half) {
  Value bits = k.zext(half, k.i32());
  Type floats = KernelBuilder::withElement(bits.getType(), k.f32());
  Value magnitude = k.shl(k.bitAnd(bits, 0x7fff), 13);
  Value finite = k.mulf(k.bitcast(magnitude, floats), k.constant(floats, 0x1p112));
  Value special = k.bitOr(magnitude, 0x7f800000);
  Value isSpecial = k.sge(magnitude, k.constant(magnitude.getType(), int64_t(0x7c00) << 13));
  Value sign = k.shl(k.bitAnd(bits, 0x8000), 16);
  return k.bitcast(k.bitOr(k.select(isSpecial, special, k.bitcast(finite, bits.getType())), sign), floats);
}

/// f32 to f16 bits. Normal results: half of the last place kept, less one, plus that place's bit is added before the
/// cut, which rounds halves to even, and the exponent is moved by 112. Subnormal results: adding 0.5 makes the FPU
/// round to a multiple of 2^-24, the unit of f16's subnormals. From 65520 on the result is infinite.
static Value floatToHalfBits(KernelBuilder &k, Value x) {
  Type integers = bitsOf(k, x);
  auto constant = [&](int64_t value) { return k.constant(integers, value); };
  Value bits = k.bitcast(x, integers);
  Value magnitude = k.bitAnd(bits, 0x7fffffff);

  Value odd = k.bitAnd(k.shru(magnitude, 13), 1);
  Value normal = k.shru(k.sub(k.add(k.add(magnitude, 0xfff), odd), int64_t(112) << 23), 13);
  Value half = k.constant(x.getType(), 0.5);
  Value subnormal = k.sub(k.bitcast(k.addf(k.bitcast(magnitude, x.getType()), half), integers), 0x3f000000);

  Value result = k.select(k.slt(magnitude, constant(int64_t(113) << 23)), subnormal, normal);
  result = k.select(k.slt(magnitude, constant(0x477ff000)), result, constant(0x7c00));
  result = k.select(k.slt(constant(0x7f800000), magnitude), constant(0x7e00), result);
  return k.trunc(k.bitOr(result, k.shru(k.bitAnd(bits, 0x80000000), 16)), k.i16());
}

Value loadAsF32(KernelBuilder &k, const TargetInfo &target, Type element, int64_t count, Value pointer) {
  if (!element.isF16() || convertsHalf(target))
    return k.toFloat(k.load(k.vec(element, count), pointer), k.f32());
  return halfBitsToFloat(k, k.load(k.vec(k.i16(), count), pointer));
}

Value halfAsF32(KernelBuilder &k, const TargetInfo &target, Value half) {
  if (convertsHalf(target))
    return k.toFloat(half, k.f32());
  return halfBitsToFloat(k, k.bitcast(half, KernelBuilder::withElement(half.getType(), k.i16())));
}

Value roundTo(KernelBuilder &k, const TargetInfo &target, Value x, Type element) {
  if (!element.isF16() || convertsHalf(target))
    return k.toFloat(x, element);
  return k.bitcast(floatToHalfBits(k, x), KernelBuilder::withElement(x.getType(), element));
}

} // namespace nibble
