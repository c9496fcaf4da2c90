//===- MmaTest.cpp - every instruction row × format × shape ---------------===//
//
// Products with packed weights against their definition (ProductCases.h), bit for bit,
// for every M, number of valid rows and number of threads.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/ProductCases.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace nibble::test {
namespace {

/// Rows for f32, whose weights are as narrow as their activations; ProductCases.h has the others.
const Machine kNarrowMachines[] = {
    {"aarch64_bf16_2x4x4_bf16bf16f32", "aarch64-linux-gnu", "neoverse-n2", true},
    {"aarch64_fp16fml_1x8x1_f16f16f32", "aarch64-linux-gnu", "neoverse-n2", true},
    {"x86_avx512bf16_1x16x2_bf16bf16f32", "x86_64-linux-gnu", "cooperlake", true},
};

/// Ragged panels, one output, one record, several records, both additions.
std::vector<ProductShape> shapesOf(const lowbit::Format &format, const InstructionRow &row) {
  int64_t columns = columnsOf(format, row);
  std::vector<ProductShape> shapes = {{1, columns, false, false}, {37, 3 * columns, true, true}};
  if (format.isFloat)
    shapes.push_back({67, 45, false, true});
  return shapes;
}

/// One row, fewer than a tile, several tiles and a rest (35 = 2 · 16 + 2 + 1 for a row whose tile is 16); with valid
/// rows and threads.
const std::pair<int64_t, std::vector<ProductRun>> kRows[] = {
    {1, {{1, 1}, {1, 2}, {1, 3}}},
    {2, {{1, 1}, {2, 1}, {2, 2}, {2, 3}}},
    {35, {{1, 1}, {2, 1}, {7, 1}, {35, 1}, {35, 2}, {35, 3}}},
};

/// A format's codes as they are, or pointing into numbers that the weight brings.
struct Case {
  Machine first;
  const lowbit::Format *second;
  lowbit::CodeKind stored = {};
};

class MmaTest : public testing::TestWithParam<Case> {};

TEST_P(MmaTest, EqualsTheDefinitionBitForBit) {
  const Machine &machine = GetParam().first;
  const lowbit::Format &format = *GetParam().second;
  auto target = targetOf(machine.triple, machine.cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(20260101);
  ProductCases cases(machine);
  for (const ProductShape &shape : shapesOf(format, *findRow(machine.row)))
    for (const auto &[m, runs] : kRows)
      cases.add(format, GetParam().stored, shape, m, runs, random);
  ASSERT_EQ(cases.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  EXPECT_EQ(cases.check(), "");
}

/// Codes of 2, 3 and 6 bits to be pointed into tables of each row: a smaller one than registers shuffle by, one of
/// codes in two planes, and several (codegen/Targets/X86/RowTables.h).
llvm::ArrayRef<lowbit::Format> rowBooks() {
  static const std::vector<lowbit::Format> formats = [] {
    std::vector<lowbit::Format> own;
    for (lowbit::Format format : ownFormats())
      if (llvm::is_contained({"u2_96", "u3_long", "e2m3_bf16"}, llvm::StringRef(format.name))) {
        format.zeroPoint = 0; // a codebook's numbers are what they are
        own.push_back(format);
      }
    return own;
  }();
  return formats;
}

/// A format of each kind: 8 bits, minima, bit planes, two levels, and codebooks small and large with each kind of
/// scale. That no format is forgotten on any row is KernelSweep's business.
std::vector<Case> allCases() {
  using lowbit::CodeKind;
  std::vector<Case> cases;
  std::vector<const lowbit::Format *> all;
  for (const lowbit::Format &format : lowbit::formats())
    all.push_back(&format);
  for (const lowbit::Format &format : ownFormats())
    all.push_back(&format);
  const lowbit::Format *q4 = lowbit::findFormat("iq4_nl");
  for (const Machine &machine : machines()) {
    RowKind kind = findRow(machine.row)->kind;
    if (kind == RowKind::Lookup)
      continue; // LookupTest
    bool dot = kind == RowKind::Dot;
    // Codes that are multiplied where they lie: two fields a run, a field of several runs, and single bits, numbers and
    // signs, in turn; all with the instruction that takes the most of them so.
    const char *inPlace = std::array{"q2_0", "tq2_0", "u1_long", "q1_0"}[(&machine - machines().data()) % 4];
    bool isDotprod = llvm::StringRef(machine.row).contains("dotprod");
    for (const lowbit::Format *format : all) {
      llvm::StringRef name = format->name;
      bool chosen = llvm::is_contained({"q8_0", "q4_1", "q6_k", "nvfp4"}, name) ||
                    (dot && llvm::is_contained({"q5_0", "q3_k", "iq2_xs", inPlace}, name)) ||
                    (isDotprod && llvm::is_contained({"q2_0", "tq2_0", "u1_long", "q1_0"}, name)) ||
                    (llvm::StringRef(machine.row).contains("vbmi") && name == "e2m3_bf16"); // 64 numbers
      if (format->isFloat ? !dot : chosen && (!dot || hasIntegers(*format)))
        cases.push_back({machine, format});
    }
    cases.push_back({machine, q4, CodeKind(4, CodeKind::I8, CodeKind::Row)});
    for (const lowbit::Format &format : rowBooks())
      if (dot && llvm::StringRef(machine.row).starts_with("x86"))
        cases.push_back({machine, &format, CodeKind(format.codeKind().width, CodeKind::I8, CodeKind::Row)});
    if (machine.cpu != llvm::StringRef("haswell"))
      continue;
    if (!dot)
      cases.push_back({machine, q4, CodeKind(4, CodeKind::F16, CodeKind::Row)});
    cases.push_back({machine, q4, CodeKind(4, dot ? CodeKind::I8 : CodeKind::F32, CodeKind::Tensor)});
  }
  for (const Machine &machine : kNarrowMachines)
    for (const lowbit::Format *format : all)
      if (format->isFloat && format->floatKind == *findRow(machine.row)->narrow)
        cases.push_back({machine, format});
  return cases;
}

/// A row without a machine would be tested nowhere.
TEST(Machines, AreThereForEveryRow) {
  for (const InstructionRow &row : instructionTable()) {
    auto runs = [&](const Machine &machine) { return machine.row == row.name; };
    EXPECT_TRUE(row.narrow ? llvm::any_of(kNarrowMachines, runs) : llvm::any_of(machines(), runs)) << row.name.str();
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, MmaTest, testing::ValuesIn(allCases()),
                         [](const testing::TestParamInfo<Case> &info) {
                           std::string cpu = info.param.first.cpu;
                           std::replace_if(cpu.begin(), cpu.end(), [](char c) { return !llvm::isAlnum(c); }, '_');
                           lowbit::CodeKind stored = info.param.stored;
                           std::string suffix = stored.width ? std::string("_stored") + "ift"[stored.entry] +
                                                                   (stored.stored == lowbit::CodeKind::Row ? "row" : "")
                                                             : std::string();
                           return std::string(info.param.first.row) + "_" + cpu + "_" + info.param.second->name +
                                  suffix;
                         });

} // namespace
} // namespace nibble::test
