//===- EncoderTest.cpp - rounding to low-bit types ------------------------===//
//
// What the encoder must hold: what a type can hold comes back; odd rows are no
// trouble; the error is clearly below that of plain rounding to the range of a
// group; and for small groups it is close to the best there is.
//
//===----------------------------------------------------------------------===//
#include "dialects/LowBit/BlockFit.h"
#include "dialects/LowBit/Encoder.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace nibble::lowbit {
namespace {

class EncoderTest : public testing::Test {
protected:
  EncoderTest() { context.loadDialect<LowBitDialect>(); }

  BlockType type(const std::string &parameters) {
    return mlir::cast<BlockType>(
        mlir::parseType("!lowbit.block<" + parameters + ">", &context));
  }

  std::vector<float> roundTrip(BlockType type, std::vector<float> values,
                               int64_t columns) {
    int64_t rows = int64_t(values.size()) / columns;
    llvm::Error error = roundRows(type, rows, columns, values.data());
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    return values;
  }

  mlir::MLIRContext context;
};

double relativeError(const std::vector<float> &a, const std::vector<float> &b) {
  double squares = 0, errors = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    squares += double(a[i]) * a[i];
    errors += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
  }
  return std::sqrt(errors / squares);
}

/// Weights as models have them: normal, every row with its own spread and mean.
std::vector<float> normalRows(int64_t rows, int64_t columns) {
  std::mt19937 random(20261121);
  std::vector<float> values;
  for (int64_t row = 0; row < rows; ++row) {
    std::normal_distribution<float> normal(0.002f * float(row % 3),
                                           0.01f + 0.002f * float(row % 7));
    for (int64_t column = 0; column < columns; ++column)
      values.push_back(normal(random));
  }
  return values;
}

/// Plain rounding: the scale is the range of the group over the codes.
double plainError(const std::vector<float> &values, int64_t group, int bits,
                  bool hasMin) {
  std::vector<float> rounded;
  for (size_t first = 0; first < values.size(); first += group) {
    auto [low, high] = std::minmax_element(&values[first], &values[first] + group);
    float top = float((1 << (bits - 1)) - 1), bottom = -top - 1, zero = 0;
    float scale = std::max(std::abs(*low), std::abs(*high)) / top;
    if (hasMin) {
      top = float((1 << bits) - 1), bottom = 0, zero = *low;
      scale = (*high - *low) / top;
    }
    for (int64_t i = 0; i < group; ++i) {
      float q = std::nearbyint((values[first + i] - zero) / scale);
      rounded.push_back(std::clamp(q, bottom, top) * scale + zero);
    }
  }
  return relativeError(values, rounded);
}

// Less than plain rounding by a margin that grows as levels get fewer.
TEST_F(EncoderTest, IsClearlyBetterThanPlainRounding) {
  struct Case {
    const char *parameters;
    int bits;
    bool hasMin;
    double atMost;
  };
  const Case cases[] = {{"u2, 32, f16, zp = 2", 2, false, 0.62}, {"u3, 32, f16, zp = 4", 3, false, 0.82},
                        {"u4, 32, f16, zp = 8", 4, false, 0.92}, {"u5, 32, f16, zp = 16", 5, false, 0.97},
                        {"u2, 32, f16, min = f16", 2, true, 0.90}, {"u3, 32, f16, min = f16", 3, true, 0.95},
                        {"u4, 64, bf16, min = bf16", 4, true, 0.97}};
  std::vector<float> values = normalRows(64, 512);
  for (const Case &c : cases) {
    BlockType block = type(c.parameters);
    double found = relativeError(values, roundTrip(block, values, 512));
    double plain = plainError(values, block.getGroup(), c.bits, c.hasMin);
    EXPECT_LT(found, c.atMost * plain) << c.parameters << ": " << found << ", plain " << plain;
  }
}

// Two levels of scales cost little: the error stays near that of float scales, at fewer bits.
TEST_F(EncoderTest, TwoLevelsAreNearlyAsGoodAsFloatScales) {
  std::vector<float> values = normalRows(64, 768);
  std::pair<const char *, const char *> cases[] = {
      {"u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)", "u4, 32, f16, min = f16"},
      {"u4, 32, u6 x f16 : 96, min = -(u6 x f16 : 96)", "u4, 32, f16, min = f16"},
      {"u6, 16, i8 x f16 : 256, zp = 32", "u6, 16, f16, zp = 32"},
      {"i3, 16, i6 x f16 : 256", "u3, 16, f16, zp = 4"}};
  for (auto [levels, floats] : cases) {
    double two = relativeError(values, roundTrip(type(levels), values, 768));
    double one = relativeError(values, roundTrip(type(floats), values, 768));
    EXPECT_LT(two, 1.12 * one) << levels << ": " << two << ", with floats " << one;
  }
}

// An exhaustive search over scales finds hardly anything better.
TEST_F(EncoderTest, FindsNearlyTheBestScale) {
  std::vector<float> values = normalRows(40, 32), ones(32, 1.0f);
  Scratch scratch;
  for (const char *parameters : {"u2, 32, f32, zp = 1", "u3, 32, f32, zp = 4", "u4, 32, f32, zp = 8"}) {
    Levels levels = Levels::of(type(parameters));
    double found = 0, best = 0;
    for (int64_t row = 0; row < 40; ++row) {
      Sample sample{&values[row * 32], ones.data(), 32};
      found += errorOf(sample, levels, {fitScale(sample, levels, true, scratch), 0}, scratch);
      double least = INFINITY;
      for (int step = 1; step < 4000; ++step)
        for (float sign : {-1.0f, 1.0f})
          least = std::min(least, errorOf(sample, levels, {sign * 0.00002f * float(step), 0}, scratch));
      best += least;
    }
    EXPECT_LT(found, 1.05 * best) << parameters;
  }
}

// Numbers that the type can hold come back as they are.
TEST_F(EncoderTest, KeepsWhatTheTypeHolds) {
  for (const char *parameters : {"u4, 32, f16, zp = 8", "i8, 32, f16", "u3, 64, bf16, zp = 4"}) {
    BlockType block = type(parameters);
    IntegerKind code = block.getCode();
    std::vector<float> values;
    for (int i = 0; i < 256; ++i) // all codes, the outermost included
      values.push_back(0.125f * float(code.min() + i % (1 << code.width) - block.getZeroPoint()));
    if (code.width == 8) // 32 codes a group, one of them the lowest
      for (int i = 0; i < 256; i += 32)
        values[i] = 0.125f * -128;
    EXPECT_EQ(roundTrip(block, values, 256), values) << parameters;
  }
}

// Weights that were trained to be ternary come back exactly, and the fourth code is not used.
TEST_F(EncoderTest, KeepsTernaryWeights) {
  BlockType block = type("u2, row, f16, zp = 1");
  std::mt19937 random(3);
  std::vector<float> values;
  for (int i = 0; i < 4 * 160; ++i)
    values.push_back(0.0234375f * float(int(random() % 3) - 1));
  EXPECT_EQ(roundTrip(block, values, 160), values);
  Planes planes;
  std::vector<float> normal = normalRows(4, 160);
  ASSERT_FALSE(bool(encodeRows(block, normal.data(), 4, 160, planes)));
  EXPECT_EQ(*std::max_element(planes.codes.begin(), planes.codes.end()), 2);
}

// Codebooks: every level is used as the nearest one; scales of powers of two are the best of their kind.
TEST_F(EncoderTest, RoundsToCodebooks) {
  std::vector<float> values = normalRows(64, 512);
  double nf4 = relativeError(values, roundTrip(type("nf4, 64, f16"), values, 512));
  double int4 = relativeError(values, roundTrip(type("u4, 64, f16, zp = 8"), values, 512));
  EXPECT_LT(nf4, int4); // it was made for numbers that are spread like these
  double half = relativeError(values, roundTrip(type("e2m1, 32, f16"), values, 512));
  double power = relativeError(values, roundTrip(type("e2m1, 32, e8m0"), values, 512));
  EXPECT_LT(half, power);
  EXPECT_LT(power, 1.25 * half);
  EXPECT_LT(relativeError(values, roundTrip(type("e4m3, row, f16"), values, 512)), 0.03);
}

// One scale for a tensor is the best one for all rows, and the same however few rows are rounded at once.
TEST_F(EncoderTest, SharesAScaleAmongAllRows) {
  std::vector<float> values = normalRows(64, 512);
  for (const char *parameters : {"u4, tensor, f32, zp = 8", "u2, tensor, f32, zp = 2", "e4m3, tensor, f32",
                                 "u4, tensor, bf16, min = bf16"}) {
    BlockType block = type(parameters);
    Planes all, some;
    ASSERT_FALSE(bool(encodeRows(block, values.data(), 64, 512, all)));
    EXPECT_EQ(all.scale, std::vector<uint32_t>(64, all.scale[0])) << parameters;
    SharedSearch search(block, 64, 512);
    for (int64_t row = 0; row < 64; ++row)
      if (search.wants(row))
        search.add(&values[row * 512]);
    SharedParts shared = search.find();
    EXPECT_EQ(shared.scale, all.scale[0]) << parameters;
    ASSERT_FALSE(bool(encodeRows(block, &values[5 * 512], 2, 512, some, &shared)));
    EXPECT_TRUE(std::equal(some.codes.begin(), some.codes.end(), all.codes.begin() + 5 * 512)) << parameters;
    std::vector<float> rounded(values.size());
    decodePlanes(block, all, 64, 512, rounded.data());
    double found = relativeError(values, rounded), best = INFINITY;
    for (float factor : {0.7f, 0.85f, 0.93f, 1.08f, 1.2f, 1.4f}) {
      SharedParts other = shared;
      other.scale =
          bitsOfNearest(block.getScale().floatKind, factor * toFloat(block.getScale().floatKind, *shared.scale));
      ASSERT_FALSE(bool(encodeRows(block, values.data(), 64, 512, some, &other)));
      decodePlanes(block, some, 64, 512, rounded.data());
      best = std::min(best, relativeError(values, rounded));
    }
    EXPECT_LT(found, 1.05 * best) << parameters; // the search favours large weights a little
  }
}

// BitNet's own rounding: codes are round(w / mean |w|), cut to -1 … 1.
TEST_F(EncoderTest, RoundsTernaryByTheMeanMagnitude) {
  std::vector<float> values = normalRows(16, 256);
  double mean = 0;
  for (float value : values)
    mean += std::abs(value) / double(values.size());
  Planes planes;
  ASSERT_FALSE(bool(encodeRows(type("u2, tensor, f32, zp = 1"), values.data(), 16, 256, planes)));
  EXPECT_NEAR(toFloat(FloatKind::F32, planes.scale[0]), mean, 1e-6 * mean);
  float scale = toFloat(FloatKind::F32, planes.scale[0]);
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(int(planes.codes[i]) - 1, int(std::clamp(std::nearbyint(values[i] / scale), -1.0f, 1.0f))) << i;
  // Weights that are ternary already keep their scale, and so do zeros.
  BlockType block = type("u2, tensor, f32, zp = 1");
  std::vector<float> ternary, zeros(64, 0.0f);
  for (int i = 0; i < 4 * 160; ++i)
    ternary.push_back(0.0234375f * float(i * 7 % 3 - 1));
  EXPECT_EQ(roundTrip(block, ternary, 160), ternary);
  EXPECT_EQ(roundTrip(block, zeros, 64), zeros);
}

// A codebook of the row's own is better than evenly spaced numbers and than those made for normal weights.
TEST_F(EncoderTest, LearnsCodebooks) {
  std::vector<float> values = normalRows(32, 512);
  for (float &value : values)
    value += value > 0.02f ? 0.03f : 0; // a gap, which no fixed list knows of
  auto error = [&](const char *parameters) { return relativeError(values, roundTrip(type(parameters), values, 512)); };
  double even = error("u4, row, f16, zp = 8"), normal = error("nf4, row, f16");
  double bytes = error("cb<4 x i8 per row>, row, f16"), floats = error("cb<4 x f32 per row>, row, f16");
  EXPECT_LT(bytes, 0.9 * std::min(even, normal));
  EXPECT_LT(floats, 1.001 * bytes);
  EXPECT_LT(error("cb<4 x f16 per tensor>, row, f16"), std::min(even, normal));
  EXPECT_LT(error("cb<4 x i8 per row>, 64, f16"), error("u4, 64, f16, zp = 8"));
  EXPECT_LT(error("cb<3 x i8 per row>, 64, f16, min = f16"), error("u3, 64, f16, min = f16"));
  EXPECT_LT(error("cb<4 x i8 per row>, 32, u6 x f16 : 256"), error("u4, 32, i6 x f16 : 256, zp = 8"));
  EXPECT_LT(error("cb<4 x i8 per tensor>, tensor, f32"), error("u4, tensor, f32, zp = 8"));
}

// As many different numbers as codes are kept, up to the bytes that they are stored in.
TEST_F(EncoderTest, LearnsTheNumbersThatThereAre) {
  std::vector<float> values, zeros(256, 0.0f);
  for (int i = 0; i < 256; ++i)
    values.push_back(std::vector<float>{-1.27f, -0.03f, 0.5f, 0.55f}[(i * 7 + i / 5) % 4]);
  std::vector<float> found = roundTrip(type("cb<2 x i8 per row>, row, f32"), values, 128);
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(found[i], values[i], 1e-6f);
  EXPECT_EQ(roundTrip(type("cb<2 x f16 per row>, 32, f16"), zeros, 128), zeros);
  EXPECT_EQ(roundTrip(type("cb<3 x i8 per tensor>, tensor, f16, min = f16"), zeros, 128), zeros);
}

TEST_F(EncoderTest, TakesOddRows) {
  BlockType plain = type("u4, 32, f16, zp = 8"), min = type("u4, 32, f16, min = f16");
  BlockType two = type("u4, 32, u6 x f16 : 64, min = -(u6 x f16 : 64)"), row = type("u4, 96, bf16, zp = 8");
  std::vector<float> zeros(192, 0.0f), one(192, 0.0f), tiny(192, 1e-30f), huge(192, 3e38f), equal(192, 0.375f);
  one[40] = -2.0f;
  for (BlockType block : {plain, min, two, row}) {
    int64_t columns = 192;
    EXPECT_EQ(roundTrip(block, zeros, columns), zeros);
    EXPECT_NEAR(roundTrip(block, one, columns)[40], -2.0f, 0.01f); // the scale is rounded
    for (float value : roundTrip(block, tiny, columns))
      EXPECT_LT(std::abs(value), 1e-6f);
    for (float value : roundTrip(block, huge, columns))
      EXPECT_TRUE(std::isfinite(value));
  }
  EXPECT_EQ(roundTrip(min, equal, 192), equal);
}

TEST_F(EncoderTest, RefusesWhatIsNoNumber) {
  std::vector<float> values(128, 1.0f);
  values[70] = NAN;
  Planes planes;
  llvm::Error error = encodeRows(type("u4, 32, f16, zp = 8"), values.data(), 2, 64, planes);
  EXPECT_EQ(llvm::toString(std::move(error)), "cannot round nan at row 1, column 6 to low bits");
  error = encodeRows(type("u4, 48, f16, zp = 8"), values.data(), 2, 64, planes);
  EXPECT_EQ(llvm::toString(std::move(error)), "its rows are no multiple of the columns that share a scale");
  error = encodeRows(type("cb<4 x i8 per row>, tensor, f16"), values.data(), 2, 64, planes);
  EXPECT_EQ(llvm::toString(std::move(error)), "a row's own codebook needs a scale of the row's own");
}

TEST_F(EncoderTest, RoundsToFloats) {
  std::vector<float> values = {1.0f, 1.00048828125f, -65520.0f, 1.00390625f};
  std::vector<float> half = values, brain = values;
  ASSERT_FALSE(bool(roundRows(mlir::Float16Type::get(&context), 1, 4, half.data())));
  EXPECT_EQ(half, (std::vector<float>{1.0f, 1.0f, -INFINITY, 1.00390625f}));
  ASSERT_FALSE(bool(roundRows(mlir::BFloat16Type::get(&context), 1, 4, brain.data())));
  EXPECT_EQ(brain, (std::vector<float>{1.0f, 1.0f, -65536.0f, 1.0f}));
}

} // namespace
} // namespace nibble::lowbit
