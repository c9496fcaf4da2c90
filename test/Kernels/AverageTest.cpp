//===- AverageTest.cpp - look-ups that are averaged -----------------------===//
//
// Products of the averaging rows against their definition, bit for bit, for every width
// of codes; the tables that mpgemm.lut_build makes for them; and the bound on their error
// that dialects/MPGEMM/AveragedSums.h derives.
//
//===----------------------------------------------------------------------===//
#include "dialects/MPGEMM/AveragedSums.h"
#include "test/Kernels/ProductCases.h"

#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

namespace nibble::test {
namespace {

std::vector<Machine> averagingMachines() {
  std::vector<Machine> found;
  for (const Machine &machine : machines())
    if (findRow(machine.row)->averages)
      found.push_back(machine);
  return found;
}

class AverageTest : public testing::TestWithParam<Machine> {};

TEST_P(AverageTest, EqualsItsDefinition) {
  const InstructionRow &row = *findRow(GetParam().row);
  auto target = targetOf(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(20261121);
  ProductCases cases(GetParam());
  auto add = [&](const lowbit::Format &format, ProductShape shape) {
    const ProductRun runs[] = {{2, 1}, {1, 2}};
    cases.add(format, {}, shape, 2, runs, random);
  };
  // 16 and 32 columns a run, with and without a sign; a long group; and a ragged panel behind a full one.
  for (const char *name : {"q4_1", "q3_k", "q2_0"})
    add(*lowbit::findFormat(name), {37, 256, true, false});
  for (const lowbit::Format &own : ownFormats())
    if (llvm::StringRef(own.name).starts_with("u1_"))
      add(own, {32, 512, false, true});
  // What mpgemm.lut_build makes of codes, extremes among them.
  constexpr int64_t kColumns = 64;
  KernelProgram program;
  program.add(
      llvm::formatv("func.func @tables(%c: memref<1x{0}xi8>, %a: memref<1x{1}xi8>, %b: memref<1x2xi32>, %n: index, "
                    "%tid: index, %nth: index) {{\n  mpgemm.lut_build %c, %n into %a, %b {{sum_group = 32 : i64} : "
                    "(memref<1x{0}xi8>, index, memref<1x{1}xi8>, memref<1x2xi32>) -> ()\n  return\n}\n",
                    kColumns, mpgemm::averagedTableBytes(kColumns))
          .str());
  auto codes = std::make_shared<Bytes>(kColumns),
       tables = std::make_shared<Bytes>(mpgemm::averagedTableBytes(kColumns));
  for (uint8_t &code : *codes)
    code = random() % 3 ? uint8_t(int(random() % 255) - 127) : 127;
  std::vector<Call> calls = {{"tables", {codes, tables, std::make_shared<Bytes>(8)}, 1, 1}};
  ASSERT_EQ(cases.compile(*target), "");
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  EXPECT_EQ(cases.check(), "") << row.name.str();
  ASSERT_EQ(program.run(calls), "");
  for (int64_t x = 0; x < kColumns; ++x)
    for (int index = 0; x % 4 == 0 && index < 16; ++index) {
      int sum = 0;
      for (int i = 0; i < 4; ++i) {
        int code = int8_t((*codes)[x + i]);
        sum += (index >> i & 1 ? code : 0) - std::min(code, 0);
      }
      ASSERT_EQ((*tables)[4 * x + index], (sum + 1) / 2) << "column " << x << ", index " << index;
    }
}

INSTANTIATE_TEST_SUITE_P(Rows, AverageTest, testing::ValuesIn(averagingMachines()),
                         [](const testing::TestParamInfo<Machine> &info) {
                           std::string name = std::string(info.param.row) + "_" + info.param.cpu;
                           std::replace_if(name.begin(), name.end(), [](char c) { return !llvm::isAlnum(c); }, '_');
                           return name;
                         });

/// 2·Q·T of entries, before the bias is taken off.
int averaged(std::vector<int> entries) {
  int quads = int(entries.size());
  for (int &entry : entries)
    entry = (entry + 1) >> 1;
  for (size_t half = entries.size() / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i)
      entries[i] = (entries[i] + entries[i + half] + 1) >> 1;
  return 2 * quads * entries[0];
}

/// Entries of which each is odd, and of which those that meet are so at every level: each step rounds up.
std::vector<int> worstEntries(int quads) {
  std::vector<int> halves = {2 * quads}; // from the last average back to the halved entries
  while (int(halves.size()) < quads)
    for (size_t i = 0, half = halves.size(); i < half; ++i)
      halves.push_back(halves[i] - 1);
  for (int &entry : halves)
    entry = 2 * entry - 1;
  return halves;
}

// The excess lies between 0 and the bound; both ends are reached, so the bound is no wider than it must be.
TEST(AveragedSums, ErrByNoMoreThanTheBound) {
  std::mt19937 random(5);
  for (int quads : {1, 2, 4, 8}) {
    std::vector<int> worst = worstEntries(quads), none(quads, 508);
    EXPECT_EQ(averaged(worst) - std::accumulate(worst.begin(), worst.end(), 0), mpgemm::averagedExcess(quads)) << quads;
    EXPECT_EQ(averaged(none), quads * 508) << quads;
    for (int round = 0; round < 200000; ++round) {
      std::vector<int> entries(quads);
      int sum = 0, spread = round % 2 ? 2 : 509;
      for (int &entry : entries)
        sum += entry = int(random() % spread);
      int excess = averaged(entries) - sum;
      ASSERT_GE(excess, 0) << quads;
      ASSERT_LE(excess, mpgemm::averagedExcess(quads)) << quads;
    }
  }
}

} // namespace
} // namespace nibble::test
