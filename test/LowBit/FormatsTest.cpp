//===- FormatsTest.cpp - the table of formats against ggml's values ------===//
//
// The expected values are printed by expected-values.py, which computes them
// with ggml's own Python package.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

using namespace nibble;
using namespace nibble::lowbit;

namespace {
struct Expected {
  const char *name;
  uint32_t id;
  uint64_t hash;   ///< FNV-1a over all values' bits.
  float values[3]; ///< Elements 0, 17, 31 of block 0.
};
} // namespace

static const Expected expected[] = {
    {"q4_0", 2, 0x9fffeebbddcbaa1b, {-0x1.998p-1f, 0x1.332p-2f, -0x1.332p-2f}},
    {"q4_1", 3, 0xb01fbfa2a160e036, {0x1.332p-2f, 0x1.665p+0f, 0x1.ffep-2f}},
    {"q5_0", 6, 0x018ad98bd89e2c2f, {0x1.665p+0f, 0x1.998p-3f, -0x1.998p-3f}},
    {"q5_1", 7, 0x06f5389738cb1b70, {0x1.998p-3f, 0x1.998p+0f, 0x1.332p+0f}},
    {"q8_0", 8, 0x46a69d16725e6ffd, {0x1.e648p+2f, -0x1.acb2p+2f, 0x1.731cp+2f}},
    {"q2_k", 10, 0xed472b705a78b638, {0x1.ffep-1f, -0x1.998p-3f, 0x1.4cb8p+0f}},
    {"q3_k", 11, 0x8c6ae8691b26c814, {-0x1.0323p+3f, 0x1.6cb6p+2f, 0x1.e648p+1f}},
    {"q4_k", 12, 0xacecc9694bcd46c3, {0x1.0bef4p+5f, 0x1.44b88p+4f, 0x1.b64bp+3f}},
    {"q5_k", 13, 0x516c18566c8d8c15, {0x1.1feep+3f, 0x1.7fe8p+1f, 0x1.07ef8p+5f}},
    {"q6_k", 14, 0x0f06b9c9af3e5f90, {-0x1.42524p+5f, 0x1.2d86cp+8f, 0x1.67832p+8f}},
    {"tq2_0", 35, 0xddcc4a7d30f8610a, {0x1.998p-3f, 0x1.998p-3f, 0x1.998p-3f}},
};

/// Ordinary, negative, +0, -0, denormal, largest, infinity, NaN.
static const uint16_t halves[8] = {0x2e66, 0xb801, 0x0000, 0x8000,
                                   0x0003, 0x7bff, 0x7c00, 0x7e05};

static const size_t blocks = 8;

/// The blocks of expected-values.py.
static std::vector<uint8_t> testBlocks(const Format &format) {
  uint32_t state = format.ggufId;
  std::vector<uint8_t> bytes(blocks * format.blockBytes);
  for (uint8_t &byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = uint8_t(state >> 24);
  }
  for (size_t block = 0; block < blocks; ++block) {
    uint8_t *start = &bytes[block * format.blockBytes];
    std::memcpy(start + format.scaleOffset, &halves[block], 2);
    if (format.hasMin())
      std::memcpy(start + format.minOffset, &halves[block * 3 % 8], 2);
  }
  return bytes;
}

static uint64_t hashOf(const std::vector<float> &values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (float value : values) {
    uint32_t bits = std::isnan(value) ? 0x7fc00000u
                                      : std::bit_cast<uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte)
      hash = (hash ^ (bits >> 8 * byte & 0xff)) * 0x100000001b3;
  }
  return hash;
}

TEST(Formats, valuesAreGgmls) {
  size_t checked = 0;
  for (const Expected &row : expected) {
    const Format *format = findFormat(row.name);
    ASSERT_NE(format, nullptr) << row.name;
    EXPECT_EQ(format, findFormatByGGUFId(row.id));
    std::vector<uint8_t> bytes = testBlocks(*format);
    std::vector<float> values(blocks * format->blockElements);
    decodeBlocks(*format, bytes, blocks, values.data());
    EXPECT_EQ(values[0], row.values[0]) << row.name;
    EXPECT_EQ(values[17], row.values[1]) << row.name;
    EXPECT_EQ(values[31], row.values[2]) << row.name;
    EXPECT_EQ(hashOf(values), row.hash) << row.name;
    ++checked;
  }
  for (const Format &format : formats())
    checked += format.isFloat;
  EXPECT_EQ(checked, formats().size()) << "a row without expected values";
}

/// The parts put together by the type's formula are the values.
TEST(Formats, planesHoldEverything) {
  for (const Format &format : formats()) {
    if (format.isFloat)
      continue;
    std::vector<uint8_t> bytes = testBlocks(format);
    std::vector<float> values(blocks * format.blockElements);
    decodeBlocks(format, bytes, blocks, values.data());
    Planes planes;
    unpackBlocks(format, bytes, blocks, planes);
    ASSERT_EQ(planes.codes.size(), values.size());
    ASSERT_EQ(planes.scale.size(), blocks);
    ASSERT_EQ(planes.min.size(), format.hasMin() ? blocks : 0);
    for (size_t index = 0; index < values.size(); ++index) {
      size_t block = index / format.blockElements, group = index / format.group;
      ASSERT_LT(planes.codes[index], 1 << format.codes.kind.width);
      float scale = halfToFloat(planes.scale[block]);
      float min = format.hasMin() ? halfToFloat(planes.min[block]) : 0;
      if (format.isTwoLevel()) {
        scale *= float(planes.subScale[group]);
        min *= format.hasMin() ? -float(planes.subMin[group]) : 1;
      }
      int code = format.codes.kind.decode(planes.codes[index]);
      float value = float(code - format.zeroPoint) * scale;
      if (format.hasMin())
        value += min;
      if (std::isnan(value))
        ASSERT_TRUE(std::isnan(values[index])) << format.name << " " << index;
      else
        ASSERT_EQ(value, values[index]) << format.name << " " << index;
    }
  }
}

/// What unpackBlocks() relies on, and that every bit of a code has a source.
TEST(Formats, rowsAreWellFormed) {
  for (const Format &format : formats()) {
    ASSERT_GT(format.blockBytes, 0u) << format.name;
    if (format.isFloat)
      continue;
    EXPECT_EQ(format.blockElements % format.group, 0u) << format.name;
    if (!format.isTwoLevel())
      EXPECT_EQ(format.group, format.blockElements) << format.name;
    unsigned bits = 0;
    for (const BitField &field : format.codes.fields) {
      if (!field.count)
        continue;
      EXPECT_EQ(field.toBit, bits) << format.name;
      EXPECT_EQ(field.first, 0) << format.name;
      EXPECT_EQ(field.shift, 0) << format.name;
      EXPECT_EQ(field.count, format.blockElements) << format.name;
      EXPECT_EQ(8 % field.width, 0) << format.name;
      EXPECT_EQ(field.count % (field.run * field.lanes()), 0u) << format.name;
      EXPECT_LE(field.offset + field.count * field.width / 8u,
                format.blockBytes)
          << format.name;
      bits += field.width;
    }
    EXPECT_EQ(bits, format.codes.kind.width) << format.name;
  }
}

TEST(Formats, elementTypes) {
  mlir::MLIRContext context;
  context.loadDialect<LowBitDialect>();
  auto spelled = [&](const char *name) {
    std::string text;
    llvm::raw_string_ostream(text)
        << elementType(&context, *findFormat(name));
    return text;
  };
  EXPECT_EQ(spelled("f32"), "f32");
  EXPECT_EQ(spelled("f16"), "f16");
  EXPECT_EQ(spelled("bf16"), "bf16");
  EXPECT_EQ(spelled("q4_0"), "!lowbit.block<u4, 32, f16, zp = 8>");
  EXPECT_EQ(spelled("q4_1"), "!lowbit.block<u4, 32, f16, min = f16>");
  EXPECT_EQ(spelled("q5_0"), "!lowbit.block<u5, 32, f16, zp = 16>");
  EXPECT_EQ(spelled("q5_1"), "!lowbit.block<u5, 32, f16, min = f16>");
  EXPECT_EQ(spelled("q8_0"), "!lowbit.block<i8, 32, f16>");
  EXPECT_EQ(spelled("q2_k"), "!lowbit.block<u2, 16, u4 x f16 : 256, "
                             "min = -(u4 x f16 : 256)>");
  EXPECT_EQ(spelled("q3_k"), "!lowbit.block<i3, 16, i6 x f16 : 256>");
  EXPECT_EQ(spelled("q4_k"), "!lowbit.block<u4, 32, u6 x f16 : 256, "
                             "min = -(u6 x f16 : 256)>");
  EXPECT_EQ(spelled("q5_k"), "!lowbit.block<u5, 32, u6 x f16 : 256, "
                             "min = -(u6 x f16 : 256)>");
  EXPECT_EQ(spelled("q6_k"), "!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>");
  EXPECT_EQ(spelled("tq2_0"), "!lowbit.block<u2, 256, f16, zp = 1>");
}

/// docs/spec/formats.md says what the table says, row for row.
TEST(Formats, specification) {
  const char *source = std::getenv("NIBBLE_SOURCE_DIR");
  if (!source)
    GTEST_SKIP() << "NIBBLE_SOURCE_DIR is not set";
  std::ifstream page(std::string(source) + "/docs/spec/formats.md");
  ASSERT_TRUE(page.good());
  std::vector<std::string> found, expected;
  for (std::string line;
       std::getline(page, line) && !line.starts_with("## The order");)
    if (line.starts_with("| `"))
      found.push_back(line);
  mlir::MLIRContext context;
  context.loadDialect<LowBitDialect>();
  for (const Format &format : formats()) {
    std::string line;
    llvm::raw_string_ostream(line)
        << "| `" << format.name << "` | " << format.ggufId << " | "
        << format.blockElements << " | " << format.blockBytes << " | `"
        << elementType(&context, format) << "` |";
    expected.push_back(line);
  }
  EXPECT_EQ(found, expected);
}

TEST(Formats, unknownNamesAndIds) {
  EXPECT_EQ(findFormat("q4_2"), nullptr);
  EXPECT_EQ(findFormat("Q4_0"), nullptr);
  EXPECT_EQ(findFormatByGGUFId(4), nullptr);
}

TEST(Formats, floats) {
  const uint8_t bytes[] = {0x00, 0x3c, 0x00, 0xc0, 0x80, 0x3f, 0x01, 0x00};
  float values[4];
  decodeBlocks(*findFormat("f16"), bytes, 2, values);
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[1], -2.0f);
  decodeBlocks(*findFormat("bf16"), llvm::ArrayRef(bytes).slice(4), 2, values);
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(std::bit_cast<uint32_t>(values[1]), 0x10000u);
  decodeBlocks(*findFormat("f32"), bytes, 2, values);
  EXPECT_EQ(std::bit_cast<uint32_t>(values[0]), 0xc0003c00u);
}

/// Integers decode at the ends of their ranges.
TEST(Formats, integerKinds) {
  EXPECT_EQ((IntegerKind{8, true}.decode(0x80)), -128);
  EXPECT_EQ((IntegerKind{3, true}.decode(0b100)), -4);
  EXPECT_EQ((IntegerKind{3, true}.decode(0b011)), 3);
  EXPECT_EQ((IntegerKind{8, false}.decode(0xff)), 255);
  EXPECT_EQ((IntegerKind{1, false}.max()), 1);
  EXPECT_EQ((IntegerKind{1, true}.min()), -1);
}
