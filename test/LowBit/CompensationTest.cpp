//===- CompensationTest.cpp - rounding by what is multiplied --------------===//
//
// Inputs that do not depend on each other change nothing; of inputs that do, the
// products of rounded rows err clearly less; and odd moments are no trouble.
//
//===----------------------------------------------------------------------===//
#include "dialects/LowBit/Compensation.h"
#include "dialects/LowBit/Encoder.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <random>

namespace nibble::lowbit {
namespace {

constexpr int64_t kRows = 24, kColumns = 128, kInputs = 400;

class CompensationTest : public testing::TestWithParam<const char *> {
protected:
  CompensationTest() {
    context.loadDialect<LowBitDialect>();
    std::mt19937 random(20261121);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < kRows * kColumns; ++i)
      weights.push_back(0.02f * normal(random));
    // Every column is a mixture of eight sources and some noise.
    std::vector<float> mixture(8 * kColumns);
    for (float &part : mixture)
      part = normal(random);
    for (int64_t row = 0; row < kInputs; ++row) {
      float sources[8];
      for (float &source : sources)
        source = normal(random);
      for (int64_t column = 0; column < kColumns; ++column) {
        float x = 0.5f * normal(random);
        for (int64_t s = 0; s < 8; ++s)
          x += sources[s] * mixture[s * kColumns + column];
        inputs.push_back(x);
      }
    }
  }

  BlockType type() {
    return mlir::cast<BlockType>(mlir::parseType("!lowbit.block<" + std::string(GetParam()) + ">", &context));
  }

  std::vector<float> moments() const {
    std::vector<float> sums(kColumns * kColumns);
    for (int64_t row = 0; row < kInputs; ++row)
      for (int64_t i = 0; i < kColumns; ++i)
        for (int64_t j = 0; j < kColumns; ++j)
          sums[i * kColumns + j] += inputs[row * kColumns + i] * inputs[row * kColumns + j];
    return sums;
  }

  Planes encode(const Compensation *compensation) {
    Planes planes;
    llvm::Error error = encodeRows(type(), weights.data(), kRows, kColumns, planes, nullptr, compensation);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    return planes;
  }

  /// The sum of what the products err by, squared.
  double productError(const Planes &planes) {
    std::vector<float> rounded(kRows * kColumns);
    decodePlanes(type(), planes, kRows, kColumns, rounded.data());
    double sum = 0;
    for (int64_t input = 0; input < kInputs; ++input)
      for (int64_t row = 0; row < kRows; ++row) {
        double miss = 0;
        for (int64_t column = 0; column < kColumns; ++column)
          miss += (double(weights[row * kColumns + column]) - rounded[row * kColumns + column]) *
                  inputs[input * kColumns + column];
        sum += miss * miss;
      }
    return sum;
  }

  mlir::MLIRContext context;
  std::vector<float> weights, inputs;
};

TEST_P(CompensationTest, ChangesNothingForIndependentInputs) {
  std::vector<float> moments(kColumns * kColumns);
  for (int64_t i = 0; i < kColumns; ++i)
    moments[i * kColumns + i] = 3;
  Compensation compensation(moments, kColumns);
  EXPECT_EQ(encode(&compensation).codes, encode(nullptr).codes);
  Compensation ofZeros(std::vector<float>(kColumns * kColumns), kColumns);
  EXPECT_EQ(encode(&ofZeros).codes, encode(nullptr).codes);
}

TEST_P(CompensationTest, MakesProductsErrLess) {
  Compensation compensation(moments(), kColumns);
  double plain = productError(encode(nullptr)), compensated = productError(encode(&compensation));
  EXPECT_LT(compensated, 0.25 * plain);
  RecordProperty("ratio", std::to_string(compensated / plain));
}

/// Fewer inputs than columns: most directions are never read.
TEST_P(CompensationTest, TakesMomentsOfFewInputs) {
  std::vector<float> few(kColumns * kColumns);
  for (int64_t i = 0; i < kColumns; ++i)
    for (int64_t j = 0; j < kColumns; ++j)
      few[i * kColumns + j] = inputs[i] * inputs[j];
  Compensation compensation(few, kColumns);
  Planes planes = encode(&compensation);
  std::vector<float> rounded(kRows * kColumns);
  decodePlanes(type(), planes, kRows, kColumns, rounded.data());
  for (float value : rounded)
    ASSERT_TRUE(std::abs(value) < 1) << value;
}

INSTANTIATE_TEST_SUITE_P(Types, CompensationTest,
                         testing::Values("u4, 32, f16, zp = 8", "u4, 32, u6 x f16 : 128, min = -(u6 x f16 : 128)",
                                         "nf4, 64, f16", "u4, 32, f16, min = f16", "cb<4 x i8 per row>, row, f16"));

TEST(CompensationErrorsTest, RefusesMomentsOfAnotherMatrix) {
  EXPECT_DEATH(Compensation(std::vector<float>(6), 2), "moments of 2 columns are .* found 6");
}

} // namespace
} // namespace nibble::lowbit
