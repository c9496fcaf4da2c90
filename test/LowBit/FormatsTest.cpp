//===- FormatsTest.cpp - the table of formats against ggml's values ------===//
//
// The expected values are those of ggml itself: ggml_compare.cpp prints them.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"
#include "dialects/LowBit/LowBit.h"
#include "test/LowBit/TestBlocks.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <cmath>

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
    {"q8_k", 15, 0x143653ea6b402e0f, {0x1.3653p+3f, -0x1.ffep-2f, 0x1.7cb5p+3f}},
    {"iq2_xxs", 16, 0xfd339ae88b493d29, {-0x1.b318p+0f, 0x1.53eacp+2f, 0x1.53eacp+2f}},
    {"iq2_xs", 17, 0x7f4b32a1999a957b, {0x1.665p-1f, -0x1.0cbcp+1f, 0x1.0cbcp+1f}},
    {"iq3_xxs", 18, 0x1ff4b173074ed46b, {-0x1.5b1d8p+3f, -0x1.0cbcp+1f, -0x1.3986p+2f}},
    {"iq1_s", 19, 0x37d0c2f90a86e7f1, {0x1.ffep-5f, 0x1.ffep-5f, 0x1.ffep-5f}},
    {"iq4_nl", 20, 0xdafeff0cbb266313, {-0x1.9fe6p+2f, -0x1.1988p+1f, 0x1.4cb8p+0f}},
    {"iq3_s", 21, 0xd7afba020999b98d, {-0x1.998p-4f, 0x1.998p-4f, 0x1.4cb8p+0f}},
    {"iq2_s", 22, 0x1eb0959c6e6b28ed, {-0x1.d0496p+3f, 0x1.67e98p+1f, 0x1.ccbp-1f}},
    {"iq4_xs", 23, 0x3d9b4ccc263bdeaf, {0x1.17ee8p+5f, -0x1.63e9cp+6f, -0x1.63e9cp+6f}},
    {"iq1_m", 29, 0x4a8b7e6de7eb4d56, {-0x1.764fp+0f, 0x1.3cb9p+0f, 0x1.ecaep-1f}},
    {"tq1_0", 34, 0xe21332abdf53504b, {-0x1.998p-4f, 0x1.998p-4f, -0x1.998p-4f}},
    {"tq2_0", 35, 0xddcc4a7d30f8610a, {0x1.998p-3f, 0x1.998p-3f, 0x1.998p-3f}},
    {"mxfp4", 39, 0xba9bb55e090e83cb, {0x0p+0f, 0x0p+0f, -0x1p-7f}},
    {"nvfp4", 40, 0x129520a8a151a329, {-0x1p+0f, 0x1.bp+2f, 0x1.2p+0f}},
    {"q1_0", 41, 0xaf9b273c889cb325, {-0x1.998p-4f, -0x1.998p-4f, -0x1.998p-4f}},
    {"q2_0", 42, 0xdaa459873c3a1da7, {0x1.998p-3f, -0x1.998p-4f, 0x1.998p-3f}},
};

static const size_t blocks = 8;

static std::vector<uint8_t> testBlocks(const Format &format) {
  return test::testBlocks(format, blocks, format.ggufId);
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
    EXPECT_EQ(test::hashOf(values), row.hash) << row.name;
    ++checked;
  }
  // ggml never decodes q8_1; it is q8_0 with two bytes more.
  for (const Format &format : formats())
    checked += format.isFloat || format.name == std::string("q8_1");
  EXPECT_EQ(checked, formats().size()) << "a row without expected values";
}

TEST(Formats, sumsOfQ81AreIgnored) {
  const Format &plain = *findFormat("q8_0"), &summed = *findFormat("q8_1");
  std::vector<uint8_t> bytes = testBlocks(plain);
  std::vector<float> expected(32), found(32);
  decodeBlocks(plain, bytes, 1, expected.data());
  bytes.insert(bytes.begin() + 2, {0x12, 0x34});
  decodeBlocks(summed, bytes, 1, found.data());
  EXPECT_EQ(found, expected);
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
    ASSERT_EQ(planes.scale.size(), blocks * format.scalesPerBlock());
    ASSERT_EQ(planes.min.size(), format.hasMin() ? planes.scale.size() : 0);
    const CodeKind kind = format.codeKind();
    for (size_t index = 0; index < values.size(); ++index) {
      size_t span = index / format.scaleSpan(), group = index / format.group;
      ASSERT_LT(planes.codes[index], 1 << kind.width);
      float scale = toFloat(format.floatKind, planes.scale[span], kind.unit());
      float min = format.hasMin() ? halfToFloat(planes.min[span]) : 0;
      if (format.isTwoLevel()) {
        scale *= float(planes.subScale[group]);
        min *= format.hasMin() ? -float(planes.subMin[group]) : 1;
      }
      float value =
          (kind.number(planes.codes[index]) - float(format.zeroPoint)) * scale;
      if (format.hasMin())
        value += min;
      if (std::isnan(value))
        ASSERT_TRUE(std::isnan(values[index])) << format.name << " " << index;
      else
        ASSERT_EQ(value, values[index]) << format.name << " " << index;
    }
  }
}

/// Marks the bits of a list's fields and checks that every integer gets each of
/// its bits once; returns the number of integers.
static size_t markBits(const Format &format, const IntegerList &list,
                       std::vector<int> &uses) {
  std::vector<unsigned> found;
  for (const BitField &field : list.fields) {
    if (!field.width)
      break;
    if (found.size() < field.first + field.count())
      found.resize(field.first + field.count());
    for (unsigned i = 0; i < field.count() / (field.trits ? field.trits : 1);
         ++i) {
      unsigned i0 = i % field.steps[0].count, rest = i / field.steps[0].count;
      unsigned at = field.at + i0 * field.steps[0].bits +
                    rest % field.steps[1].count * field.steps[1].bits +
                    rest / field.steps[1].count * field.steps[2].bits;
      for (unsigned bit = 0; bit < (field.trits ? 8u : field.width); ++bit)
        ++uses.at(at + bit);
      for (unsigned digit = 0; digit < std::max<unsigned>(field.trits, 1);
           ++digit) {
        unsigned &bits =
            found.at(field.first + i + digit * field.steps[0].count);
        unsigned mask = ((1u << field.width) - 1) << field.toBit;
        EXPECT_EQ(bits & mask, 0u) << format.name;
        bits |= mask;
      }
    }
  }
  unsigned stored = list.kind.width - (list.isOdd ? 1 : 0);
  for (unsigned bits : found)
    EXPECT_EQ(bits, (1u << stored) - 1) << format.name;
  return found.size();
}

/// Every integer has all of its bits, no bit has two meanings, and the bits that
/// have none are those that the table's comments name.
TEST(Formats, everyBitOnce) {
  for (const Format &format : formats()) {
    ASSERT_GT(format.blockBytes, 0u) << format.name;
    if (format.isFloat)
      continue;
    SCOPED_TRACE(format.name);
    EXPECT_EQ(format.blockElements % format.group, 0u);
    std::vector<int> uses(8 * format.blockBytes);
    auto count = [&](const IntegerList &list) {
      return markBits(format, list, uses);
    };
    auto countFloats = [&](llvm::ArrayRef<BitField> fields) {
      IntegerList list = {{8 * byteWidth(format.floatKind), false}};
      llvm::copy(fields, list.fields);
      return count(list);
    };
    EXPECT_EQ(count(format.codes), format.grid ? 0 : format.blockElements);
    if (format.grid) {
      EXPECT_EQ(count(format.vectors),
                format.blockElements / findGrid(format.grid)->dimension);
      size_t flags = count(format.flags);
      EXPECT_EQ(format.flags.kind.width > 1 ? flags : 32,
                format.blockElements / 8);
      EXPECT_EQ(format.blockElements / flags % 8, 0u);
    }
    EXPECT_EQ(count(format.subScales),
              format.isTwoLevel() ? format.groupsPerBlock() : 0);
    EXPECT_EQ(count(format.subMins), format.isTwoLevel() && format.hasMin()
                                         ? format.groupsPerBlock()
                                         : 0);
    EXPECT_EQ(countFloats(format.scale), format.scalesPerBlock());
    EXPECT_EQ(countFloats(format.min),
              format.hasMin() ? format.scalesPerBlock() : 0);
    int unused = 0;
    for (int count : uses) {
      EXPECT_LE(count, 1);
      unused += count == 0;
    }
    llvm::StringRef name = format.name;
    EXPECT_EQ(unused, name == "q8_1" ? 16 : name == "q8_k" ? 8 * 32 : 0);
  }
}

TEST(Formats, elementTypes) {
  mlir::MLIRContext context;
  context.loadDialect<LowBitDialect>();
  const std::pair<const char *, const char *> expected[] = {
      {"f32", "f32"},
      {"f16", "f16"},
      {"bf16", "bf16"},
      {"q4_0", "!lowbit.block<u4, 32, f16, zp = 8>"},
      {"q4_1", "!lowbit.block<u4, 32, f16, min = f16>"},
      {"q5_0", "!lowbit.block<u5, 32, f16, zp = 16>"},
      {"q5_1", "!lowbit.block<u5, 32, f16, min = f16>"},
      {"q8_0", "!lowbit.block<i8, 32, f16>"},
      {"q2_k", "!lowbit.block<u2, 16, u4 x f16 : 256, min = -(u4 x f16 : 256)>"},
      {"q3_k", "!lowbit.block<i3, 16, i6 x f16 : 256>"},
      {"q4_k", "!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>"},
      {"q5_k", "!lowbit.block<u5, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>"},
      {"q6_k", "!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>"},
      {"tq2_0", "!lowbit.block<u2, 256, f16, zp = 1>"},
      {"iq4_xs", "!lowbit.block<iq4, 32, i6 x f16 : 256>"},
      {"iq2_xs", "!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>"},
      {"iq1_m", "!lowbit.block<grid<iq1s>, 16, u4 x f16 : 256>"},
      {"mxfp4", "!lowbit.block<e2m1, 32, e8m0>"},
      {"nvfp4", "!lowbit.block<e2m1, 16, ue4m3>"},
      {"q1_0", "!lowbit.block<sign, 128, f16>"},
      {"q8_k", "!lowbit.block<i8, 256, f32>"},
      {"f64", "f32"},
  };
  for (auto [name, type] : expected) {
    std::string text;
    llvm::raw_string_ostream(text) << elementType(&context, *findFormat(name));
    EXPECT_EQ(text, type) << name;
  }
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
  decodeBlocks(*findFormat("i8"), llvm::ArrayRef(bytes).slice(3), 2, values);
  EXPECT_EQ(values[0], -64.0f);
  EXPECT_EQ(values[1], -128.0f);
}

/// A double is an f32 or is pointed out.
TEST(Formats, doubles) {
  const double numbers[] = {-0.5, 0x1.fffffep127, HUGE_VAL, 0x1p-149, 0.1};
  std::vector<uint8_t> bytes(sizeof numbers);
  std::memcpy(bytes.data(), numbers, sizeof numbers);
  const Format &format = *findFormat("f64");
  EXPECT_EQ(findInexact(format, bytes), 4);
  bytes.resize(bytes.size() - 8);
  EXPECT_EQ(findInexact(format, bytes), -1);
  float values[4];
  decodeBlocks(format, bytes, 4, values);
  for (int index = 0; index < 4; ++index)
    EXPECT_EQ(double(values[index]), numbers[index]);
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
