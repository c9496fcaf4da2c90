//===- FloatKindTest.cpp - conversions of the scale formats --------------===//

#include "dialects/LowBit/FloatKind.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace nibble;

static uint32_t bitsOf(float value) { return std::bit_cast<uint32_t>(value); }

/// By the definition of binary16, in double.
static double halfByDefinition(uint16_t half) {
  int exponent = half >> 10 & 0x1f, mantissa = half & 0x3ff;
  double magnitude = exponent ? std::ldexp(1024 + mantissa, exponent - 25)
                              : std::ldexp(mantissa, -24);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(FloatKind, everyHalf) {
  for (unsigned half = 0; half < 65536; ++half) {
    float value = halfToFloat(uint16_t(half));
    if ((half & 0x7c00) != 0x7c00) {
      ASSERT_EQ(double(value), halfByDefinition(uint16_t(half))) << half;
      ASSERT_EQ(std::signbit(value), bool(half & 0x8000)) << half;
    } else if (half & 0x3ff) {
      // The payload stays and the NaN becomes quiet.
      ASSERT_EQ(bitsOf(value), (half & 0x8000) << 16 | 0x7fc00000u |
                                   (half & 0x3ff) << 13);
      continue;
    } else {
      ASSERT_TRUE(std::isinf(value));
    }
    ASSERT_EQ(floatToHalf(value), half);
  }
}

TEST(FloatKind, halfRoundsToNearestEven) {
  for (unsigned half = 0; half < 0x7bff; ++half) {
    float low = halfToFloat(uint16_t(half));
    float high = halfToFloat(uint16_t(half + 1));
    float middle = low + (high - low) / 2; // exact: f32 has 13 more bits
    uint16_t even = uint16_t(half & 1 ? half + 1 : half);
    ASSERT_EQ(floatToHalf(middle), even) << half;
    ASSERT_EQ(floatToHalf(std::nextafter(middle, low)), half);
    ASSERT_EQ(floatToHalf(std::nextafter(middle, high)), half + 1);
    ASSERT_EQ(floatToHalf(-middle), even | 0x8000);
  }
  EXPECT_EQ(floatToHalf(65519.99f), 0x7bff);
  EXPECT_EQ(floatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(floatToHalf(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_EQ(floatToHalf(std::bit_cast<float>(0xffa02000u)), 0xff01);
}

TEST(FloatKind, bytes) {
  const uint8_t bytes[] = {0x00, 0x3c, 0x80, 0x3f};
  EXPECT_EQ(toFloat(FloatKind::F16, bytes), 1.0f);
  EXPECT_EQ(toFloat(FloatKind::BF16, bytes + 2), 1.0f);
  EXPECT_EQ(bitsOf(toFloat(FloatKind::F32, bytes)), 0x3f803c00u);
}

TEST(FloatKind, exponentsOnly) {
  EXPECT_EQ(e8m0ToFloat(127), 1.0f);
  EXPECT_EQ(e8m0ToFloat(0), 0x1p-127f);
  EXPECT_EQ(e8m0ToFloat(254), 0x1p127f);
  EXPECT_EQ(e8m0ToFloat(255), std::numeric_limits<float>::infinity());
  // Half of 2^128 is a number.
  EXPECT_EQ(e8m0ToFloat(255, 1), 0x1p127f);
  EXPECT_EQ(e8m0ToFloat(1, 1), 0x1p-127f);
  EXPECT_EQ(e8m0ToFloat(0, 3), 0x1p-130f);
  EXPECT_EQ(toFloat(FloatKind::E8M0, 130u, 1), 4.0f);
}

TEST(FloatKind, withoutSign) {
  EXPECT_EQ(ue4m3ToFloat(0x38), 1.0f);
  EXPECT_EQ(ue4m3ToFloat(0x7e), 448.0f);
  EXPECT_EQ(ue4m3ToFloat(0x7f), 0.0f);
  EXPECT_EQ(ue4m3ToFloat(0x01), 0x1p-9f);
  EXPECT_EQ(ue4m3ToFloat(0x07), 7 * 0x1p-9f);
  EXPECT_EQ(toFloat(FloatKind::UE4M3, 0x38u, 2), 0.25f);
}
