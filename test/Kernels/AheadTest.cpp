//===- AheadTest.cpp - products of many rows with panels unpacked ahead ---===//
//
// codegen/Lower/MmaAhead.h: every kind of number (2 to 8 bits, groups of 16 and 32,
// integer scales, minima, offsets, codebooks) with a block of 128 rows and tiles of each size
// behind it, more columns than a block and fewer in the last one, against the definition bit
// for bit. And the same rows with fewer of them, a tile and a part of one, which read the packed panel where that costs
// less: results must be the same. And kernels for eight rows, which unpack ahead what takes more than a mask.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/ProductCases.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

#include <vector>

namespace nibble::test {
namespace {

struct Case {
  const char *row;
  std::vector<const char *> formats;
};

/// Of a file, or of none.
const lowbit::Format &formatOf(llvm::StringRef name) {
  if (const lowbit::Format *format = lowbit::findFormat(name))
    return *format;
  return *llvm::find_if(ownFormats(), [&](const lowbit::Format &own) { return own.name == name; });
}

/// Compiles the cases that `add` makes for a row, and compares their results with the definition bit for bit.
void expectDefinition(llvm::StringRef row, unsigned seed,
                      llvm::function_ref<void(ProductCases &cases, std::mt19937 &random)> add) {
  const Machine *machine = llvm::find_if(machines(), [&](const Machine &m) { return m.row == row; });
  ASSERT_NE(machine, machines().end());
  auto target = targetOf(machine->triple, machine->cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(seed);
  ProductCases cases(*machine);
  add(cases, random);
  ASSERT_EQ(cases.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  EXPECT_EQ(cases.check(), "");
}

class AheadTest : public testing::TestWithParam<Case> {};

TEST_P(AheadTest, EqualsTheDefinitionBitForBit) {
  constexpr int64_t kRows = 128 + 4 + 2 + 1; // a block, and tiles of four, two and one
  const ProductRun runs[] = {{kRows, 1}, {7, 2}, {4, 2}, {3, 1}};
  constexpr int64_t kFewRows = 8;
  const ProductRun fewRuns[] = {{kFewRows, 2}, {5, 1}, {1, 1}};
  expectDefinition(GetParam().row, 20261121, [&](ProductCases &cases, std::mt19937 &random) {
    for (const char *name : GetParam().formats) {
      const lowbit::Format &format = formatOf(name);
      int64_t columns = columnsOf(format, *findRow(GetParam().row));
      columns += columns < 256 ? 256 : columns; // of a block, and of what is left
      cases.add(format, {}, {19, columns, true, true}, kRows, runs, random);
      cases.add(format, {}, {19, columns, true, true}, kFewRows, fewRuns, random);
    }
  });
}

/// Rows so long that a thread's stack does not hold what a chunk's sums of activations are made into: that is done for
/// each panel and block.
TEST(AheadTablesTest, EqualTheDefinitionBitForBit) {
  constexpr int64_t kRows = 128 + 4 + 1, kColumns = 12288 + 256;
  expectDefinition("x86_avx2_1x8x4_u7s8s32", 20261124, [](ProductCases &cases, std::mt19937 &random) {
    for (const char *name : {"q4_1", "q6_k", "u6_min", "iq2_xs"})
      cases.add(formatOf(name), {}, {3, kColumns, false, false}, kRows, {{kRows, 1}}, random);
  });
}

class LongRowsTest : public testing::TestWithParam<const char *> {};

/// Rows of weights that are longer than what a thread's stack holds of an unpacked panel, for instructions that
/// multiply pairs of rows of activations (codegen/Lower/MmaWhole.h): two blocks of columns and a part of one, with
/// minima and integer scales; and the longest whose scaled sums of activations it holds.
TEST_P(LongRowsTest, EqualTheDefinitionBitForBit) {
  constexpr int64_t kRows = 2 * 16 + 8 + 1, kColumns = 2 * 2048 + 256;
  expectDefinition(GetParam(), 20261123, [](ProductCases &cases, std::mt19937 &random) {
    for (const char *name : {"q4_0", "q4_k", "q2_k", "q6_k", "nvfp4", "u8_min"})
      cases.add(formatOf(name), {}, {17, kColumns, true, true}, kRows, {{kRows, 2}, {33, 1}}, random);
    cases.add(formatOf("q2_k"), {}, {5, 3072, false, false}, 128, {{128, 1}}, random);
  });
}

INSTANTIATE_TEST_SUITE_P(Rows, LongRowsTest,
                         testing::Values("aarch64_i8mm_2x4x8_s8s8s32", "aarch64_sve256i8mm_2x8x8_s8s8s32"),
                         [](const testing::TestParamInfo<const char *> &info) { return std::string(info.param); });

INSTANTIATE_TEST_SUITE_P(Rows, AheadTest,
                         testing::Values(Case{"x86_avx2_1x8x4_u7s8s32",
                                              {"tq2_0", "q2_k", "q3_k", "q4_0", "q4_1", "q4_k", "mxfp4", "nvfp4",
                                               "iq3_xxs", "iq4_nl", "q5_0", "q5_1", "q6_k", "iq2_xxs", "iq2_xs",
                                               "iq1_m", "u6_min", "u8_min"}},
                                         Case{"aarch64_neon_1x4x4_s8s8s32",
                                              {"q4_0", "q2_k", "q6_k", "mxfp4", "iq2_xs", "u8_min"}},
                                         Case{"aarch64_dotprod_1x4x4_s8s8s32",
                                              {"tq2_0", "q2_k", "q3_k", "q4_0", "q4_k", "nvfp4", "iq4_nl", "q5_1",
                                               "q6_k", "u3_sub", "u8_min"}},
                                         Case{"aarch64_i8mm_2x4x8_s8s8s32",
                                              {"q2_k", "q3_k", "q4_1", "q4_k", "nvfp4", "q6_k", "u3_sub", "u8_min"}},
                                         Case{"aarch64_sve256i8mm_2x8x8_s8s8s32",
                                              {"q4_0", "q2_k", "q4_k", "nvfp4", "q6_k", "u8_min"}},
                                         Case{"x86_avx512vnni_1x16x4_u8s8s32",
                                              {"q2_k", "q3_k", "nvfp4", "q5_1", "u3_sub", "u8_min"}}),
                         [](const testing::TestParamInfo<Case> &info) { return std::string(info.param.row); });

} // namespace
} // namespace nibble::test
