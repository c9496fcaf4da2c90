//===- KernelSweep.cpp - every format on every instruction row ------------===//
//
// All formats of files, those of no file, and codebooks that come with the weight, on
// all rows that can compute with them: products, look-ups, floats; here or emulated,
// SVE at each of its lengths. Shapes are sampled, no pair of row and format is left
// out: with each pair the number of weight rows (one, a ragged panel, several), of
// columns (one record, several), of activation rows (one, half tiles, many) and the
// additions change. Each row is one program, because compiling is most of the time.
//
//   KernelSweep [--gtest_filter=…]       run by test/Kernels/sweep-*.slow.test
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/ProductCases.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

namespace nibble::test {
namespace {

using lowbit::CodeKind;

class KernelSweep : public testing::TestWithParam<Machine> {};

/// Whether the row computes with codes of that kind; others are computed with by float rows.
bool computes(const InstructionRow &row, const lowbit::Format &format, CodeKind stored) {
  if (format.isFloat || row.kind == RowKind::Float)
    return row.kind == RowKind::Float;
  if (stored.width)
    return row.kind == RowKind::Dot && stored.entry == CodeKind::I8;
  if (row.kind == RowKind::Dot)
    return hasIntegers(format);
  return format.codeKind().isInteger() && format.codeKind().width <= row.unsignedBits && !format.grid &&
         format.group % row.kr() == 0 && format.group <= 256;
}

TEST_P(KernelSweep, EveryFormat) {
  const Machine &machine = GetParam();
  const InstructionRow &row = *findRow(machine.row);
  auto target = targetOf(machine.triple, machine.cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(20261121);
  ProductCases cases(machine);
  // More rows than are multiplied with a block that is unpacked ahead (codegen/Lower/MmaAhead.cpp), where that is done.
  const int64_t many = target->isX86() ? 131 : 35;
  int number = 0;
  auto add = [&](const lowbit::Format &format, CodeKind stored) {
    if (!computes(row, format, stored))
      return;
    const int64_t rows[] = {53, 37, 1, 67}, records[] = {1, 3, 2}, activations[] = {many, 1, 11, 2};
    int64_t k = columnsOf(format, row) * (format.isFloat ? 37 : 1) * records[number % 3];
    int64_t m = row.kind == RowKind::Lookup ? 1 + number % 2 : activations[number % 4];
    const ProductRun runs[] = {{m, 1 + number % 3}, {(m + 1) / 2, 1}};
    cases.add(format, stored, {rows[(number + number / 4) % 4], k, number % 2 == 0, number % 3 == 0}, m, runs, random);
    if (format.isFloat) // whole units of columns, a block of them and what is left, are widened ahead of many rows
      cases.add(format, stored, {37, 96, true, true}, many, {{many, 1}, {(many + 1) / 2, 2}}, random);
    ++number;
  };
  for (const lowbit::Format &format : lowbit::formats())
    add(format, {});
  for (const lowbit::Format &format : ownFormats())
    add(format, {});
  for (CodeKind::Scope scope : {CodeKind::Row, CodeKind::Tensor})
    for (CodeKind::Entry entry : {CodeKind::I8, CodeKind::F16, CodeKind::F32})
      add(*lowbit::findFormat("iq4_nl"), CodeKind(4, entry, scope));
  ASSERT_EQ(cases.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  EXPECT_EQ(cases.check(), "");
  std::printf("%s: %d formats, %zu products\n", machine.row, number, cases.size());
  std::fflush(stdout);
}

INSTANTIATE_TEST_SUITE_P(Rows, KernelSweep, testing::ValuesIn(machines().begin(), machines().end()),
                         [](const testing::TestParamInfo<Machine> &info) {
                           std::string name = std::string(info.param.row) + "_" + info.param.cpu;
                           std::replace_if(name.begin(), name.end(), [](char c) { return !llvm::isAlnum(c); }, '_');
                           return name;
                         });

} // namespace
} // namespace nibble::test
