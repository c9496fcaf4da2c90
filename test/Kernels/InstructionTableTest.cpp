//===- InstructionTableTest.cpp - the table of instructions ---------------===//
//
// What every row must hold, and what the questions about rows answer.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/CodesInPlace.h"
#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Intrinsics/RowCost.h"

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
    ASSERT_TRUE(bestRow(triple, nothing, RowKind::Dot)) << triple;
    EXPECT_EQ(bestRow(triple, nothing, RowKind::Dot)->isa, Isa::Generic);
    EXPECT_EQ(bestRow(triple, nothing, RowKind::Float)->isa, Isa::Generic);
    ASSERT_TRUE(bestRow(triple, nothing, RowKind::Lookup)) << triple;
    EXPECT_EQ(bestRow(triple, nothing, RowKind::Lookup)->nr(), 32);
  }
}

TEST(InstructionTableTest, BestRowNeedsAllItsFeatures) {
  auto only = [](std::set<std::string> names) {
    return [names](llvm::StringRef name) { return names.count(name.str()) != 0; };
  };
  auto best = [](const char *triple, auto has) { return bestRow(triple, has, RowKind::Dot)->name.str(); };
  EXPECT_EQ(best("x86_64-linux-gnu", only({"avx2", "fma", "f16c"})), "x86_avx2_1x8x4_u7s8s32");
  EXPECT_EQ(best("x86_64-linux-gnu", only({"avx2", "fma"})), "generic_base_1x4x4_s8s8s32");
  EXPECT_EQ(best("x86_64-linux-gnu", only({"avx2", "fma", "f16c", "avx512vnni", "avx512bw", "avx512vl"})),
            "x86_avx512vnni_1x16x4_u8s8s32");
  EXPECT_EQ(best("aarch64-linux-gnu", only({"neon", "dotprod", "i8mm", "complxnum"})), "aarch64_i8mm_2x4x8_s8s8s32");
  EXPECT_EQ(best("aarch64-linux-gnu", only({"neon", "dotprod", "i8mm"})), "aarch64_dotprod_1x4x4_s8s8s32");
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

mpgemm::PanelLayout layoutOf(const InstructionRow &row, unsigned codeBits, int64_t group) {
  return {.n = 64, .k = 1536, .nr = row.nr(), .kr = row.kr(), .codeBits = codeBits, .group = group};
}

TEST(InstructionTableTest, CodesStayInPlaceWhereTheirSumsAreShiftedOrTheirRunsAreFields) {
  const InstructionRow &dotprod = *findRow("aarch64_dotprod_1x4x4_s8s8s32"),
                       &i8mm = *findRow("aarch64_i8mm_2x4x8_s8s8s32");
  const InstructionRow &vnni = *findRow("x86_avx512vnni_1x16x4_u8s8s32"),
                       &lut = *findRow("aarch64_neon_1x4x4_lut_s8s32");
  for (const InstructionRow *row : {&dotprod, &i8mm, &vnni})
    EXPECT_TRUE(multipliesInPlace(*row, layoutOf(*row, 2, 256))) << row->name.str(); // a field is a run
  EXPECT_TRUE(multipliesInPlace(dotprod, layoutOf(dotprod, 2, 64)));                 // a run is two fields
  EXPECT_TRUE(multipliesInPlace(i8mm, layoutOf(i8mm, 1, 128)));
  EXPECT_FALSE(multipliesInPlace(i8mm, layoutOf(i8mm, 2, 64)));
  EXPECT_FALSE(multipliesInPlace(vnni, layoutOf(vnni, 2, 64)));
  EXPECT_FALSE(multipliesInPlace(dotprod, layoutOf(dotprod, 4, 32)));
  EXPECT_FALSE(multipliesInPlace(dotprod, layoutOf(dotprod, 1, 32))); // one vector in a unit
  mpgemm::PanelLayout indices = layoutOf(lut, 2, 64);
  indices.lookup = true;
  EXPECT_FALSE(multipliesInPlace(lut, indices));
  // A weight costs less where its code stays.
  EXPECT_LT(costOf(dotprod, layoutOf(dotprod, 2, 256)).instructions,
            costOf(dotprod, layoutOf(dotprod, 3, 256)).instructions - 0.03);
  EXPECT_LT(costOf(dotprod, layoutOf(dotprod, 2, 64)).instructions,
            costOf(dotprod, layoutOf(dotprod, 4, 64)).instructions);
}

} // namespace
} // namespace nibble
