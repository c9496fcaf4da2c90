//===- RowKernelMathTest.cpp - Values of VectorMath -----------------------===//
//
// exp, the activations and the conversions of f16 against double and against the
// host's conversions, on every machine that can be run here.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/VectorMath.h"
#include "test/Kernels/RowKernelOracle.h"
#include "test/Kernels/RowKernelSession.h"

#include <gtest/gtest.h>

#include <cstring>

namespace nibble::test {
namespace {

class RowKernelMath : public testing::TestWithParam<size_t> {
protected:
  using Value = mlir::Value;
  TargetInfo target = rowKernelTargets()[GetParam()];

  /// y[i] = f(x[i]) in vectors of 16; the length is a multiple of 16. `load` and `store` know their element.
  template <typename Y, typename X>
  std::vector<Y> apply(const std::vector<X> &x, llvm::function_ref<Value(KernelBuilder &, Value x)> load,
                       llvm::function_ref<mlir::Type(KernelBuilder &)> element) {
    Session session;
    session.defineKernel("apply", target, 2,
                         [&](KernelBuilder &k, mlir::ValueRange p, mlir::ValueRange s, Value, Value) {
                           k.loop(k.i64(0), s[0], 16, [&](Value i) {
                             Value from = k.at(p[0], k.i8(), k.mul(i, sizeof(X)));
                             k.store(load(k, from), k.at(p[1], element(k), i));
                           });
                         });
    Buffer in = bufferOf(x), out = bufferOf(std::vector<Y>(x.size()));
    session.call("apply", {in, out}, {.n = int64_t(x.size())});
    session.run(target);
    return std::vector<Y>(as<Y>(out), as<Y>(out) + x.size());
  }

  std::vector<float> apply(const std::vector<float> &x, Value (*f)(KernelBuilder &, Value)) {
    return apply<float>(
        x, [&](KernelBuilder &k, Value p) { return f(k, k.load(k.vec(k.f32(), 16), p)); },
        [](KernelBuilder &k) { return k.f32(); });
  }

  void SetUp() override {
    if (std::string reason = whyNotRunnable(target); !reason.empty())
      GTEST_SKIP() << reason;
  }
};

float floatOf(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Distance in units of the last place of the expected value's float.
double ulps(float found, double expected) {
  int exponent;
  std::frexp(expected, &exponent);
  return std::fabs(found - expected) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

/// Every `step`-th float of [low, high] (low ≤ 0 ≤ high), filled up to a multiple of 16.
std::vector<float> sampleFloats(float low, float high, uint32_t step) {
  std::vector<float> values = {0.0f, -0.0f, low, high};
  for (uint32_t bits = 1; floatOf(bits) <= high; bits += step)
    values.push_back(floatOf(bits));
  for (uint32_t bits = 1; - floatOf(bits) >= low; bits += step)
    values.push_back(-floatOf(bits));
  values.resize((values.size() + 15) / 16 * 16, 1.0f);
  return values;
}

TEST_P(RowKernelMath, ExpIsWithinTwoUlps) {
  std::vector<float> x = sampleFloats(-110.0f, 88.72f, 1021), y = apply(x, emitExp);
  double worst = 0, at = 0;
  for (size_t i = 0; i < x.size(); ++i)
    if (double error = ulps(y[i], std::exp(double(x[i]))); !(error <= worst)) {
      worst = error;
      at = x[i];
    }
  RecordProperty("ulps", std::to_string(worst));
  EXPECT_LE(worst, 1.02) << "at " << at;
}

TEST_P(RowKernelMath, ExpOfNegativeIsWithinTwoUlpsAndZeroBelow) {
  std::vector<float> x = sampleFloats(-110.0f, 0.0f, 1021);
  for (float &number : x) // what fills the sample up is positive
    number = std::min(number, 0.0f);
  x[0] = -INFINITY, x[1] = NAN;
  std::vector<float> y = apply(x, emitExpOfNegative);
  EXPECT_TRUE(std::isnan(y[1]));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i] < -87.0f)
      ASSERT_EQ(y[i], 0.0f) << "at " << x[i];
    else if (i != 1)
      worst = std::max(worst, ulps(y[i], std::exp(double(x[i]))));
  EXPECT_LE(worst, 1.02);
}

TEST_P(RowKernelMath, ExpHandlesTheEnds) {
  std::vector<float> x(16, 0.0f);
  x[1] = -INFINITY;
  x[2] = INFINITY;
  x[3] = NAN;
  x[4] = -1e30f;
  x[5] = 1e30f;
  x[6] = 88.73f;
  x[7] = -103.0f;
  x[8] = -104.5f;
  std::vector<float> y = apply(x, emitExp);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_EQ(y[2], INFINITY);
  EXPECT_TRUE(std::isnan(y[3]));
  EXPECT_EQ(y[4], 0.0f);
  EXPECT_EQ(y[5], INFINITY);
  EXPECT_EQ(y[6], INFINITY);
  EXPECT_EQ(y[7], floatOf(1));
  EXPECT_EQ(y[8], 0.0f);
}

TEST_P(RowKernelMath, TanhIsWithinTwoUlps) {
  std::vector<float> x = sampleFloats(-20.0f, 20.0f, 1021), y = apply(x, emitTanh);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_LE(ulps(y[i], std::tanh(double(x[i]))), 2) << "at " << x[i];
  std::vector<float> ends(16, INFINITY);
  ends[1] = -INFINITY;
  ends[2] = NAN;
  std::vector<float> limits = apply(ends, emitTanh);
  EXPECT_EQ(limits[0], 1.0f);
  EXPECT_EQ(limits[1], -1.0f);
  EXPECT_TRUE(std::isnan(limits[2]));
}

/// Relative where sigmoid's argument is at least -87; what is less than that, at most x · 2^-125, may be 0.
void expectActivation(const std::vector<float> &x, const std::vector<float> &y, double (*oracle)(double),
                      double relative) {
  for (size_t i = 0; i < x.size(); ++i) {
    double expected = oracle(x[i]);
    bool isTiny = std::fabs(expected) <= std::fabs(x[i]) * 0x1p-125;
    double allowed = std::fabs(expected) * (isTiny ? 1 : relative) + 0x1p-149;
    ASSERT_NEAR(y[i], expected, allowed) << "at " << x[i];
  }
}

TEST_P(RowKernelMath, SiLUKeepsItsRelativePrecision) {
  std::vector<float> x = sampleFloats(-120.0f, 1e30f, 10007);
  // sigmoid is within 4 ulp, of which one comes from the product.
  expectActivation(x, apply(x, emitSiLU), oracleSiLU, 5 * 0x1p-24);
}

TEST_P(RowKernelMath, GELUKeepsItsRelativePrecision) {
  std::vector<float> x = sampleFloats(-10.0f, 1e12f, 10007);
  // exp of an argument z of up to 100 turns z's rounding errors (2 of 2^-24) into relative ones of 2z.
  expectActivation(x, apply(x, emitGELU), oracleGELU, 256 * 0x1p-24);
}

TEST_P(RowKernelMath, GELUByErfIsWithinItsBound) {
  std::vector<float> x = sampleFloats(-30.0f, 30.0f, 1021), y = apply(x, emitGELUErf);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(y[i], 0.5 * x[i] * std::erfc(-x[i] / M_SQRT2), std::fabs(x[i]) * 4e-7 + 0x1p-149)
        << "at " << x[i]; // a half of the least denormal rounds to 0
}

TEST_P(RowKernelMath, WidensEveryHalf) {
  std::vector<uint16_t> x(65536);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = i;
  std::vector<float> y = apply<float>(
      x, [&](KernelBuilder &k, Value p) { return loadAsF32(k, target, k.f16(), 16, p); },
      [](KernelBuilder &k) { return k.f32(); });
  for (size_t i = 0; i < x.size(); ++i) {
    _Float16 half;
    memcpy(&half, &x[i], sizeof half);
    float expected = half;
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(y[i])) << i;
    else
      ASSERT_EQ(memcmp(&y[i], &expected, sizeof expected), 0) << i;
  }
}

TEST_P(RowKernelMath, NarrowsToTheNearestHalf) {
  std::vector<float> x = sampleFloats(-3e38f, 3e38f, 4093);
  // Around the borders of subnormals and infinity, and exact halves between two numbers.
  for (double around : {0x1p-24, 0x1p-25, 0x1.8p-24, 0x1p-14, 65504.0, 65520.0, 1 + 0x1p-11, 1 + 0x1.8p-10})
    for (float near : {float(around), std::nextafter(float(around), 0.0f), std::nextafter(float(around), 1e9f)}) {
      x.push_back(near);
      x.push_back(-near);
    }
  x.push_back(INFINITY);
  x.push_back(-INFINITY);
  x.push_back(NAN);
  x.resize((x.size() + 15) / 16 * 16, 1.0f);
  std::vector<_Float16> y = apply<_Float16>(
      x, [&](KernelBuilder &k, Value p) { return roundTo(k, target, k.load(k.vec(k.f32(), 16), p), k.f16()); },
      [](KernelBuilder &k) { return k.f16(); });
  for (size_t i = 0; i < x.size(); ++i) {
    _Float16 expected = x[i];
    if (std::isnan(x[i]))
      ASSERT_TRUE(std::isnan(float(y[i])));
    else
      ASSERT_EQ(memcmp(&y[i], &expected, sizeof expected), 0) << x[i] << " " << float(y[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, RowKernelMath, testing::Range<size_t>(0, rowKernelTargets().size()));

} // namespace
} // namespace nibble::test
