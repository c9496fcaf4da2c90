//===- OperationsTest.cpp - the oracle's operations, by hand -------------===//

#include "test/Reference/TestModule.h"

#include <cmath>

using namespace nibble;
using namespace nibble::reference;

static Rows rowsOf(int64_t width, std::vector<double> values) {
  Rows rows(int64_t(values.size()) / width, width);
  rows.values = std::move(values);
  return rows;
}

/// The mean square of (3, 4) is 12.5; rows past n are zero.
TEST(Operations, rmsNorm) {
  Rows x = rowsOf(2, {3, 4, 3, 4});
  Rows y = rmsNorm(x, {1, 10}, 0, 1);
  EXPECT_DOUBLE_EQ(y.values[0], 3 / std::sqrt(12.5));
  EXPECT_DOUBLE_EQ(y.values[1], 40 / std::sqrt(12.5));
  EXPECT_EQ(y.values[2], 0);
  EXPECT_DOUBLE_EQ(rmsNorm(x, {1, 1}, 3.5, 2).values[2], 3.0 / 4);
  EXPECT_EQ(rmsNorm(rowsOf(2, {0, 0}), {1, 1}, 1, 1).values[0], 0);
}

/// Heads of two columns are normed by themselves.
TEST(Operations, rmsNormOfHeads) {
  Rows y = rmsNorm(rowsOf(4, {3, 4, 30, 40}), {1, 10}, 0, 1);
  EXPECT_DOUBLE_EQ(y.values[1], 40 / std::sqrt(12.5));
  EXPECT_DOUBLE_EQ(y.values[2], 3 / std::sqrt(12.5));
}

/// (3, 7) lies 2 to both sides of 5.
TEST(Operations, layerNorm) {
  Rows x = rowsOf(2, {3, 7, 3, 7});
  EXPECT_EQ(layerNorm(x, {1, 10}, {}, 0, 1).values,
            (std::vector<double>{-1, 10, 0, 0}));
  EXPECT_EQ(layerNorm(x, {1, 10}, {0.5, 1}, 0, 2).values,
            (std::vector<double>{-0.5, 11, -0.5, 11}));
  EXPECT_EQ(layerNorm(x, {1}, {2}, 1, 1).values,
            (std::vector<double>{2, 2, 0, 0}));
}

/// One channel, two taps: the second weight is the row's own. The third row is
/// at position 2; what the history holds before the first does not count.
TEST(Operations, shortConv) {
  State history({2, 4, 1}, FloatKind::F32);
  Rows bcx = rowsOf(3, {2, 1, 5, 3, 10, 4, 9, 9, 9});
  EXPECT_EQ(shortConv(bcx, {100, 1}, history, 1, 0, 2).values,
            (std::vector<double>{10, 10120, 0}));
  EXPECT_EQ(history.values, (std::vector<double>{0, 0, 0, 0, 10, 12, 0, 0}));
  EXPECT_EQ(shortConv(rowsOf(3, {1, 1, 7}), {100, 1}, history, 1, 2, 1).values,
            (std::vector<double>{1207}));
}

TEST(Operations, residual) {
  EXPECT_EQ(residual(rowsOf(1, {1, 2}), rowsOf(1, {10, 20}), 0.5, 1).values,
            (std::vector<double>{6, 0}));
}

TEST(Operations, scaleAndCap) {
  Rows x = rowsOf(2, {4, -1e9});
  EXPECT_EQ(scaleAndCap(x, 0.5, 0, 1).values,
            (std::vector<double>{2, -5e8}));
  EXPECT_DOUBLE_EQ(scaleAndCap(x, 0.5, 3, 1).values[0], 3 * std::tanh(2.0 / 3));
  EXPECT_EQ(scaleAndCap(x, 0.5, 3, 1).values[1], -3);
}

TEST(Operations, linear) {
  TestModule test;
  std::string source = test.floats({1, 2, 3, 4, 5, 6});
  auto weight = test.weight("tensor<2x3xf32>", source);
  ASSERT_TRUE(weight) << test.messages;
  Rows x = rowsOf(3, {1, 10, 100, 1, 1, 1, 7, 7, 7});
  for (unsigned threads : {0, 1, 2, 5}) {
    EXPECT_EQ(linear(x, *weight, {}, 2, threads).values,
              (std::vector<double>{321, 654, 6, 15, 0, 0}));
    EXPECT_EQ(linear(x, *weight, {0.5, -0.5}, 2, threads).values,
              (std::vector<double>{321.5, 653.5, 6.5, 14.5, 0, 0}));
  }
}

TEST(Operations, embed) {
  TestModule test;
  std::string source = test.floats({1, 2, 3, 4, 5, 6});
  auto table = test.weight("tensor<3x2xf32>", source);
  ASSERT_TRUE(table) << test.messages;
  EXPECT_EQ(embed({2, 0, 1}, *table, 1, 2).values,
            (std::vector<double>{5, 6, 1, 2, 0, 0}));
  EXPECT_EQ(embed({2, 0, 1}, *table, 3, 2).values,
            (std::vector<double>{15, 18, 3, 6, 0, 0}));
}

/// With a largest value of 127 and whole numbers the best scale is 1; halves go
/// to even; a group of zeros stays zero; the third group is short.
TEST(Operations, roundToInt8) {
  Rows x(1, 70), expected(1, 70);
  for (int i = 5; i < 32; ++i)
    x.values[i] = expected.values[i] = i;
  x.values[0] = 127, expected.values[0] = 127;
  x.values[1] = 0.5, expected.values[1] = 0;
  x.values[2] = 1.5, expected.values[2] = 2;
  x.values[3] = -2.5, expected.values[3] = -2;
  x.values[4] = 3.4, expected.values[4] = 3;
  x.values[64] = -254, expected.values[64] = -254;
  x.values[69] = 3.1, expected.values[69] = 4;
  EXPECT_EQ(roundToInt8(x, 1).values, expected.values);
  EXPECT_EQ(roundToInt8(x, 0).values[0], 0);
}

/// Half of the largest number lies between two codes of every scale, and the
/// nearer of them differs from scale to scale.
TEST(Operations, roundToInt8TakesTheBestScale) {
  Rows x(1, 32);
  x.values[0] = 127, x.values[1] = 63.5;
  Rows y = roundToInt8(x, 1);
  EXPECT_NEAR(y.values[0], 127, 1e-12);
  double least = 1;
  for (double top : {127, 125, 123, 121})
    least = std::min(least, std::abs(63.5 - 127 / top * std::nearbyint(63.5 * top / 127)));
  EXPECT_NEAR(std::abs(y.values[1] - 63.5), least, 1e-12);
}

/// Position p turns a pair by the angle p, also where two table rows meet, and
/// the dimensions past the rotated ones stay.
TEST(Operations, rope) {
  TestModule test;
  auto table = test.weight(
      "tensor<66x1x2xf32>",
      "#lm.rope_table<base = 1.0e+04 : f64, dims = 2, scaling = \"none\">");
  ASSERT_TRUE(table) << test.messages;
  Rows x = rowsOf(3, {1, 0, 9, 0, 2, 9});
  Rows y = rope(x, *table, 3, lm::Pairing::Interleaved, 69, 2);
  EXPECT_NEAR(y.values[0], std::cos(69.0), 2e-7);
  EXPECT_NEAR(y.values[1], std::sin(69.0), 2e-7);
  EXPECT_EQ(y.values[2], 9);
  EXPECT_NEAR(y.values[3], -2 * std::sin(70.0), 4e-7);
  EXPECT_NEAR(y.values[4], 2 * std::cos(70.0), 4e-7);
}

/// Two heads of four dimensions: (0, 1)(2, 3) or (0, 2)(1, 3) turn together.
TEST(Operations, ropePairs) {
  TestModule test;
  auto table = test.weight(
      "tensor<65x2x2xf32>",
      "#lm.rope_table<base = 1.0e+02 : f64, dims = 4, scaling = \"none\">");
  ASSERT_TRUE(table) << test.messages;
  Rows x = rowsOf(8, {1, 0, 0, 0, 0, 1, 0, 0});
  double c0 = std::cos(1.0), s0 = std::sin(1.0);
  double c1 = std::cos(0.1), s1 = std::sin(0.1); // the frequency 100^(-1/2)
  auto near = [](const Rows &y, std::vector<double> expected) {
    for (size_t index = 0; index < expected.size(); ++index)
      EXPECT_NEAR(y.values[index], expected[index], 1e-7) << index;
  };
  near(rope(x, *table, 4, lm::Pairing::Interleaved, 1, 1),
       {c0, s0, 0, 0, -s0, c0, 0, 0});
  near(rope(x, *table, 4, lm::Pairing::Halves, 1, 1),
       {c0, 0, s0, 0, 0, c1, 0, s1});
}

TEST(Operations, statesRound) {
  State half({2}, FloatKind::F16), single({1}, FloatKind::F32);
  half.store(0, 1 + 0x1p-12);
  half.store(1, 1 + 0x1p-10);
  EXPECT_EQ(half.values, (std::vector<double>{1, 1 + 0x1p-10}));
  single.store(0, 1 + 0x1p-30);
  EXPECT_EQ(single.values[0], 1);
}

/// Scores ln 3 and 0 give the weights 3/4 and 1/4. Row 0 sees position 0 only.
TEST(Operations, attention) {
  State keys({2, 1, 16, 2}, FloatKind::F32), values = keys;
  appendToCache(rowsOf(2, {1, 0, 0, 1, 5, 5}), keys, 1, 0, 2);
  appendToCache(rowsOf(2, {4, 0, 0, 8, 5, 5}), values, 1, 0, 2);
  EXPECT_EQ(keys.values[16 * 2], 1); // layer 1, position 0
  EXPECT_EQ(keys.values[16 * 2 + 4], 0); // the third row is not valid
  Rows q = rowsOf(2, {2 * std::log(3), 0, 2 * std::log(3), 0});
  Rows y = attention(q, keys, values, {1, 0.5}, 1, 0, 2);
  EXPECT_EQ(y.values[0], 4);
  EXPECT_EQ(y.values[1], 0);
  EXPECT_NEAR(y.values[2], 3, 1e-6);
  EXPECT_NEAR(y.values[3], 2, 1e-6);
  // The second row alone, at its position.
  Rows alone = attention(rowsOf(2, {2 * std::log(3), 0}), keys, values,
                         {1, 0.5}, 1, 1, 1);
  EXPECT_EQ(alone.values[0], y.values[2]);
  // Large scores do not overflow.
  Rows huge = attention(rowsOf(2, {1e6, 0}), keys, values, {1, 1}, 1, 1, 1);
  EXPECT_EQ(huge.values[0], 4);
}

/// A window of two: position 2 sees 1 and 2, whose scores are equal; position 0, whose score is far above, is out.
TEST(Operations, attentionInAWindow) {
  State keys({1, 1, 16, 1}, FloatKind::F32), values = keys;
  appendToCache(rowsOf(1, {100, 1, 1}), keys, 0, 0, 3);
  appendToCache(rowsOf(1, {8, 2, 4}), values, 0, 0, 3);
  Rows y = attention(rowsOf(1, {1, 1, 1}), keys, values, {1, 1, 2}, 0, 0, 3);
  EXPECT_EQ(y.values[0], 8);
  EXPECT_NEAR(y.values[1], 8, 1e-12);
  EXPECT_EQ(y.values[2], 3);
}

/// Scores of ±1e6 are capped to ±ln 3 / 2: weights 3/4 and 1/4.
TEST(Operations, attentionWithACap) {
  State keys({1, 1, 16, 1}, FloatKind::F32), values = keys;
  appendToCache(rowsOf(1, {1, -1}), keys, 0, 0, 2);
  appendToCache(rowsOf(1, {4, 8}), values, 0, 0, 2);
  Rows y = attention(rowsOf(1, {1e6}), keys, values,
                     {1, 1, 0, std::log(3) / 2}, 0, 1, 1);
  EXPECT_NEAR(y.values[0], 5, 1e-12);
}

/// Four query heads share two cached heads, two by two.
TEST(Operations, groupedHeads) {
  State keys({1, 2, 16, 1}, FloatKind::F32), values = keys;
  appendToCache(rowsOf(2, {1, 1}), keys, 0, 0, 1);
  appendToCache(rowsOf(2, {10, 20}), values, 0, 0, 1);
  Rows y = attention(rowsOf(4, {1, 1, 1, 1}), keys, values, {4, 1}, 0, 0, 1);
  EXPECT_EQ(y.values, (std::vector<double>{10, 10, 20, 20}));
}

TEST(Operations, gatedUnit) {
  Rows gate = rowsOf(2, {0, std::log(3), 1, 1}), up = rowsOf(2, {5, 2, 1, 1});
  Rows y = gatedUnit(gate, up, lm::Activation::SiLU, 1);
  EXPECT_EQ(y.values[0], 0);
  EXPECT_DOUBLE_EQ(y.values[1], std::log(3) * 0.75 * 2);
  EXPECT_EQ(y.values[2], 0);
  // Tabulated: gelu(1) = 0.841192 in the tanh form.
  EXPECT_NEAR(gatedUnit(gate, up, lm::Activation::GELU, 2).values[2], 0.841192,
              1e-6);
}

/// Of equal values the lower column comes first. exp(ln 2) = 2 is what makes the shares 2 : 1 : 1 of 4, or 2 : 1 of 3.
TEST(Operations, topK) {
  Rows x = rowsOf(3, {0, std::log(2), 0, 9, 9, 9});
  TopK all = topK(x, 2, /*normalize=*/false, 1);
  EXPECT_EQ(all.chosen, (std::vector<int32_t>{1, 0, 0, 0}));
  EXPECT_DOUBLE_EQ(all.weights.values[0], 0.5);
  EXPECT_DOUBLE_EQ(all.weights.values[1], 0.25);
  TopK shared = topK(x, 2, /*normalize=*/true, 2);
  EXPECT_EQ(shared.chosen, (std::vector<int32_t>{1, 0, 0, 1}));
  EXPECT_DOUBLE_EQ(shared.weights.values[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(shared.weights.values[3], 0.5);
}

/// The second row is past n.
TEST(Operations, expertSum) {
  Rows x = rowsOf(1, {1, 1}), branch = rowsOf(1, {10, 100, 7, 7});
  EXPECT_EQ(expertSum(x, branch, rowsOf(2, {2, 3, 1, 1}), false, 1).values,
            (std::vector<double>{321, 0}));
  EXPECT_EQ(expertSum(x, rowsOf(1, {8, 8}), rowsOf(1, {0, 0}), true, 2).values,
            (std::vector<double>{5, 5}));
}

/// A vector of length 5; without normalizing, the mean of two rows, or the first.
TEST(Operations, pool) {
  Rows x = rowsOf(2, {2, 4, 4, 4, 99, 99});
  EXPECT_EQ(pool(x, lm::Pooling::Mean, true, 2).values,
            (std::vector<double>{0.6, 0.8}));
  EXPECT_EQ(pool(x, lm::Pooling::Mean, false, 2).values,
            (std::vector<double>{3, 4}));
  EXPECT_EQ(pool(x, lm::Pooling::First, false, 3).values,
            (std::vector<double>{2, 4}));
}

/// Φ(1.96) = 0.9750021, Φ(-1.96) = 0.0249979.
TEST(Operations, activateRows) {
  Rows y = activateRows(rowsOf(2, {1.96, -1.96}), lm::Activation::GELUErf, 1);
  EXPECT_NEAR(y.values[0], 1.96 * 0.9750021, 1e-7);
  EXPECT_NEAR(y.values[1], -1.96 * 0.0249979, 1e-7);
}
