//===- InstructionTableTest.cpp - the table of instructions ---------------===//
//
// What every row must hold, and what the questions about rows answer.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/InstructionTable.h"

#include <gtest/gtest.h>

#include <set>

namespace nibble {
namespace {

TEST(InstructionTableTest, NamesAreUniqueAndFollowTheGrammar) {
  std::set<std::string> names;
  for (const InstructionRow &row : instructionTable()) {
    EXPECT_TRUE(names.insert(row.name.str()).second) << row.name.str();
    EXPECT_EQ(findRow(row.name), &row);
    // <isa>_<feature>_<rows × lanes × depth>_<types>; two rows where a matrix is multiplied
    std::string rows = row.strip == 2 ? "_2x" : "_1x";
    std::string shape = rows + std::to_string(row.lanes) + "x" + std::to_string(row.depth) + "_";
    EXPECT_TRUE(row.name.contains(shape)) << row.name.str();
  }
  EXPECT_EQ(findRow("none"), nullptr);
}

TEST(InstructionTableTest, EveryMachineHasBothKindsOfRows) {
  for (const char *triple : {"x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu"}) {
    auto nothing = [](llvm::StringRef) { return false; };
    ASSERT_TRUE(bestRow(triple, nothing, RowKind::Dot4)) << triple;
    EXPECT_EQ(bestRow(triple, nothing, RowKind::Dot4)->isa, Isa::Generic);
    EXPECT_EQ(bestRow(triple, nothing, RowKind::Float)->isa, Isa::Generic);
    ASSERT_TRUE(bestRow(triple, nothing, RowKind::Lookup)) << triple;
    EXPECT_EQ(bestRow(triple, nothing, RowKind::Lookup)->nr(), 32);
  }
}

TEST(InstructionTableTest, BestRowNeedsAllItsFeatures) {
  auto only = [](std::set<std::string> names) {
    return [names](llvm::StringRef name) { return names.count(name.str()) != 0; };
  };
  auto best = [](const char *triple, auto has) { return bestRow(triple, has, RowKind::Dot4)->name.str(); };
  EXPECT_EQ(best("x86_64-linux-gnu", only({"avx2", "fma", "f16c"})), "x86_avx2_1x8x4_u7s8s32");
  EXPECT_EQ(best("x86_64-linux-gnu", only({"avx2", "fma"})), "generic_base_1x4x4_s8s8s32");
  EXPECT_EQ(best("x86_64-linux-gnu", only({"avx2", "fma", "f16c", "avx512vnni", "avx512bw", "avx512vl"})),
            "x86_avx512vnni_1x16x4_u8s8s32");
  EXPECT_EQ(best("aarch64-linux-gnu", only({"neon", "dotprod", "i8mm"})), "aarch64_i8mm_2x4x8_s8s8s32");
  EXPECT_EQ(best("aarch64-linux-gnu", only({"neon", "dotprod"})), "aarch64_dotprod_1x4x4_s8s8s32");
  EXPECT_EQ(best("aarch64-linux-gnu", only({"neon"})), "aarch64_neon_1x4x4_s8s8s32");
  EXPECT_EQ(best("aarch64-linux-gnu", only({"avx2", "fma", "f16c"})), "generic_base_1x4x4_s8s8s32");
}

TEST(InstructionTableTest, BiasTurnsBytesIntoTheSignTheInstructionWants) {
  const InstructionRow &unsignedRow = *findRow("x86_avx512vnni_1x16x4_u8s8s32");
  const InstructionRow &signedRow = *findRow("x86_avx2_1x8x4_u7s8s32");
  EXPECT_EQ(unsignedRow.storageBias(8, /*codeSigned=*/true), 128u);
  EXPECT_EQ(unsignedRow.storageBias(8, /*codeSigned=*/false), 0u);
  EXPECT_EQ(signedRow.storageBias(8, /*codeSigned=*/true), 0u);
  EXPECT_EQ(signedRow.storageBias(8, /*codeSigned=*/false), 128u);
  EXPECT_EQ(unsignedRow.storageBias(4, /*codeSigned=*/true), 0u);
}

} // namespace
} // namespace nibble
