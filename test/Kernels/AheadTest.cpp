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

class AheadTest : public testing::TestWithParam<Case> {};

TEST_P(AheadTest, EqualsTheDefinitionBitForBit) {
  const Machine *machine =
      llvm::find_if(machines(), [](const Machine &m) { return m.row == llvm::StringRef(GetParam().row); });
  ASSERT_NE(machine, machines().end());
  auto target = targetOf(machine->triple, machine->cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(20261121);
  ProductCases cases(*machine);
  constexpr int64_t kRows = 128 + 4 + 2 + 1; // a block, and tiles of four, two and one
  const ProductRun runs[] = {{kRows, 1}, {7, 2}, {4, 2}, {3, 1}};
  constexpr int64_t kFewRows = 8;
  const ProductRun fewRuns[] = {{kFewRows, 2}, {5, 1}, {1, 1}};
  for (const char *name : GetParam().formats) {
    const lowbit::Format &format = formatOf(name);
    int64_t columns = columnsOf(format, *findRow(machine->row));
    columns += columns < 256 ? 256 : columns; // of a block, and of what is left
    cases.add(format, {}, {19, columns, true, true}, kRows, runs, random);
    cases.add(format, {}, {19, columns, true, true}, kFewRows, fewRuns, random);
  }
  ASSERT_EQ(cases.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  EXPECT_EQ(cases.check(), "");
}

/// What minima meet is made of the activations' sums for each product, where a thread's stack has no room for all of it
/// (kTableBytes).
TEST(Ahead, MinimaWithoutATable) {
  auto isPairs = [](const Machine &m) { return m.row == llvm::StringRef("aarch64_i8mm_2x4x8_s8s8s32"); };
  const Machine *machine = llvm::find_if(machines(), isPairs);
  ASSERT_NE(machine, machines().end());
  auto target = targetOf(machine->triple, machine->cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(20261123);
  ProductCases cases(*machine);
  constexpr int64_t kRows = 128, kColumns = 3072; // the most that it has room for
  for (int64_t columns : {kColumns, kColumns + 256})
    cases.add(formatOf("q2_k"), {}, {5, columns, false, false}, kRows, {{kRows, 1}}, random);
  ASSERT_EQ(cases.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  EXPECT_EQ(cases.check(), "");
}

INSTANTIATE_TEST_SUITE_P(Rows, AheadTest,
                         testing::Values(Case{"x86_avx2_1x8x4_u7s8s32",
                                              {"tq2_0", "q2_k", "q3_k", "q4_0", "q4_1", "q4_k", "mxfp4", "nvfp4",
                                               "iq3_xxs", "iq4_nl", "q5_0", "q5_1", "q6_k", "iq2_xxs", "iq2_xs",
                                               "iq1_m", "u8_min"}},
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
