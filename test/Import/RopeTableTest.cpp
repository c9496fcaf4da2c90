//===- RopeTableTest.cpp - Values of lm.rope_table ------------------------===//
//
// Against the formulas of the papers, written out a second time in the form of
// their reference code.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/RopeTable.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

using namespace nibble;

namespace {

struct RopeTableTest : ::testing::Test {
  RopeTableTest() { context.loadDialect<lm::LMDialect>(); }

  mlir::FloatAttr number(double value) {
    return mlir::Builder(&context).getF64FloatAttr(value);
  }
  lm::RopeTableAttr plain(double base, uint64_t dims) {
    return scaled(base, dims, "none", {});
  }
  lm::RopeTableAttr scaled(double base, uint64_t dims, llvm::StringRef kind,
                           mlir::FloatAttr factor) {
    return lm::RopeTableAttr::get(&context, number(base), dims, kind, factor,
                                  {}, {}, {}, {}, {}, {}, {}, {});
  }
  lm::RopeTableAttr llama3(double base, uint64_t dims) {
    return lm::RopeTableAttr::get(&context, number(base), dims, "llama3",
                                  number(8), number(1), number(4),
                                  number(8192), {}, {}, {}, {}, {});
  }
  lm::RopeTableAttr yarn(double base, uint64_t dims, double factor,
                         double original) {
    return lm::RopeTableAttr::get(
        &context, number(base), dims, "yarn", number(factor), {}, {},
        number(original), number(1 + 0.1 * std::log(factor)), number(32),
        number(1), number(1), {});
  }

  mlir::MLIRContext context;
};

/// cos(a+b), sin(a+b) from a fine and a coarse row, as the kernels compute it,
/// for every position. Each table value is off by half a unit in the last place
/// (2^-25), the combination of two by at most 2^-23.
TEST_F(RopeTableTest, AdditionTheoremsGiveEveryPosition) {
  lm::RopeTableAttr table = plain(10000, 16);
  constexpr int64_t positions = 1000, rows = 64 + 16, pairs = 8;
  std::vector<float> values = computeRopeTable(table, rows);
  ASSERT_EQ(values.size(), size_t(rows * pairs * 2));
  for (int64_t position = 0; position < positions; ++position)
    for (int64_t i = 0; i < pairs; ++i) {
      const float *fine = &values[(position % 64 * pairs + i) * 2];
      const float *coarse = &values[((64 + position / 64) * pairs + i) * 2];
      double theta = std::pow(10000.0, -2.0 * i / 16) * position;
      EXPECT_NEAR(fine[0] * coarse[0] - fine[1] * coarse[1], std::cos(theta),
                  0x1p-23);
      EXPECT_NEAR(fine[1] * coarse[0] + fine[0] * coarse[1], std::sin(theta),
                  0x1p-23);
    }
}

TEST_F(RopeTableTest, LinearScalingDividesEveryFrequency) {
  auto expected = computeRopeFrequencies(plain(10000, 64));
  auto found =
      computeRopeFrequencies(scaled(10000, 64, "linear", number(4)));
  ASSERT_EQ(found.size(), 32u);
  for (size_t i = 0; i < 32; ++i)
    EXPECT_DOUBLE_EQ(found[i], expected[i] / 4);
}

TEST_F(RopeTableTest, FactorsDivideTheirFrequency) {
  std::vector<float> factors = {1, 2, 4, 8};
  auto expected = computeRopeFrequencies(plain(100, 8));
  auto table = lm::RopeTableAttr::get(
      &context, number(100), 8, "none", {}, {}, {}, {}, {}, {}, {}, {},
      mlir::DenseF32ArrayAttr::get(&context, factors));
  auto found = computeRopeFrequencies(table);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_DOUBLE_EQ(found[i], expected[i] / factors[i]);
}

/// The reference code of Llama 3.1, by wavelengths instead of periods.
TEST_F(RopeTableTest, Llama3ScalesByWavelength) {
  auto found = computeRopeFrequencies(llama3(500000, 128));
  int kept = 0, divided = 0, between = 0;
  for (size_t i = 0; i < 64; ++i) {
    double frequency = std::pow(500000.0, -2.0 * double(i) / 128);
    double wavelength = 2 * std::numbers::pi / frequency;
    double expected;
    if (wavelength < 8192.0 / 4) {
      expected = frequency;
      ++kept;
    } else if (wavelength > 8192.0 / 1) {
      expected = frequency / 8;
      ++divided;
    } else {
      double smooth = (8192 / wavelength - 1) / (4 - 1);
      expected = (1 - smooth) * frequency / 8 + smooth * frequency;
      ++between;
    }
    EXPECT_NEAR(found[i], expected, 1e-12 * frequency) << i;
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(divided, 0);
  EXPECT_GT(between, 0);
}

/// find_correction_range and linear_ramp_mask of the authors' code.
TEST_F(RopeTableTest, YarnInterpolatesByParts) {
  constexpr double base = 10000, factor = 16, original = 4096, dims = 128;
  auto found = computeRopeFrequencies(yarn(base, 128, factor, original));
  auto correction = [&](double rotations) {
    return dims * std::log(original / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(base));
  };
  double low = std::floor(correction(32)), high = std::ceil(correction(1));
  ASSERT_GT(low, 0);
  ASSERT_LT(high, 63);
  for (size_t i = 0; i < 64; ++i) {
    double frequency = std::pow(base, -2.0 * double(i) / dims);
    double mask =
        1 - std::clamp((double(i) - low) / (high - low), 0.0, 1.0);
    double expected = frequency / factor * (1 - mask) + frequency * mask;
    EXPECT_NEAR(found[i], expected, 1e-12 * frequency) << i;
  }
  EXPECT_DOUBLE_EQ(found[0], 1);
  EXPECT_DOUBLE_EQ(found[63], std::pow(base, -126.0 / dims) / factor);
}

/// cos² + sin² is the square of the attention factor in fine rows and 1 in
/// coarse rows, so that a product of the two has the factor once.
TEST_F(RopeTableTest, YarnAttentionFactorStandsInFineRows) {
  double factor = 1 + 0.1 * std::log(16.0);
  std::vector<float> values = computeRopeTable(yarn(10000, 8, 16, 4096), 64 + 2);
  for (size_t row = 0; row < 66; ++row) {
    const float *pair = &values[row * 8];
    double square = double(pair[0]) * pair[0] + double(pair[1]) * pair[1];
    EXPECT_NEAR(square, row < 64 ? factor * factor : 1, 1e-6) << row;
  }
}

} // namespace
