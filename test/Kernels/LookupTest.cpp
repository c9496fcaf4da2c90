//===- LookupTest.cpp - every look-up row × number type × shape -----------===//
//
// Look-ups give the integers that multiplication gives, and share everything behind
// them. So a product by a look-up row must equal, bit for bit, the one by the generic
// dot row of the same machine (which MmaTest holds against the definition), for every
// width of codes, group, scale, number of rows and threads. The tables themselves are
// held against their definition in dialects/MPGEMM/LookupLayout.h.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/LowBit/FloatKind.h"
#include "dialects/MPGEMM/PanelLayout.h"
#include "test/Kernels/KernelProgram.h"

#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace nibble::test {
namespace {

using llvm::formatv;
using mpgemm::PanelLayout;

struct Machine {
  const char *row, *triple, *cpu;
};

const Machine kMachines[] = {
    {"x86_avx512bw_1x16x16_lut_s8s32", "x86_64-linux-gnu", "icelake-server"},
    {"x86_avx2_1x8x8_lut_s8s32", "x86_64-linux-gnu", "haswell"},
    {"generic_base_1x4x4_lut_s8s32", "x86_64-linux-gnu", "x86-64"},
    {"aarch64_neon_1x4x4_lut_s8s32", "aarch64-linux-gnu", "cortex-a76"},
};

/// A number type: the layout's side of it, and its text.
struct Numbers {
  unsigned bits;
  bool isSigned;
  int64_t group, superGroup; // superGroup 0: one level
  bool hasMin, hasZeroPoint;

  std::string text() const {
    std::string scale = superGroup ? formatv("{0} x f16 : {1}", hasMin ? "u6" : "i8", superGroup).str() : "f16";
    std::string zero = hasMin ? superGroup ? ", min = -(u6 x f16 : " + std::to_string(superGroup) + ")" : ", min = f16"
                       : hasZeroPoint ? ", zp = " + std::to_string(1 << (bits - 1))
                                      : "";
    return formatv("!lowbit.block<{0}{1}, {2}, {3}{4}>", isSigned ? "i" : "u", bits, group, scale, zero);
  }
};

/// Every width; `few`: for the row without an instruction, whose code is long, one of each kind only.
std::vector<Numbers> allNumbers(bool few) {
  std::vector<Numbers> all;
  for (unsigned bits = 1; bits <= 4; ++bits) {
    if (few && bits % 2 == 0)
      continue;
    all.push_back({bits, false, 32, 0, false, true}); // Q4_0 and its like
    all.push_back({bits, true, 16, 0, false, false}); // two's complement
    if (few)
      continue;
    all.push_back({bits, false, 64, 0, true, false});   // a loop over the runs of a group
    all.push_back({bits, false, 16, 256, true, false}); // Q2_K
    all.push_back({bits, false, 32, 256, false, true});
    all.push_back({bits, true, 128, 0, false, false});
  }
  return all;
}

/// A random weight, packed in any layout of its numbers.
class RandomWeight {
public:
  RandomWeight(const Numbers &numbers, int64_t n, int64_t k, std::mt19937 &random) : numbers(numbers), n(n), k(k) {
    for (int64_t i = 0; i < n * k; ++i)
      codes.push_back(uint8_t(random() % (1u << numbers.bits)));
    for (int64_t i = 0; i < n * k / numbers.group; ++i) {
      auto half = [&] { return floatToHalf(std::uniform_real_distribution<float>(-0.05f, 0.05f)(random)); };
      scales.push_back(random() % 16 ? half() : 0);
      minima.push_back(half());
      subScales.push_back(uint8_t(numbers.hasMin ? random() % 64 : random()));
      subMinima.push_back(uint8_t(random() % 64));
    }
  }

  PanelLayout layout(const InstructionRow &row) const {
    PanelLayout l;
    l.n = n, l.k = k, l.nr = row.nr(), l.kr = row.kr();
    l.codeBits = numbers.bits, l.codeSigned = numbers.isSigned, l.group = numbers.group;
    l.superGroup = numbers.superGroup, l.hasMin = numbers.hasMin, l.lookup = row.kind == RowKind::Lookup;
    return l;
  }
  std::string layoutText(const InstructionRow &row) const {
    return formatv("#mpgemm.layout<element = {0}, n = {1}, k = {2}, nr = {3}, kr = {4}, bias = 0{5}>", numbers.text(),
                   n, k, row.nr(), row.kr(), row.kind == RowKind::Lookup ? ", lookup = true" : "");
  }
  Bytes pack(const InstructionRow &row) const;

private:
  const Numbers &numbers;
  int64_t n, k;
  std::vector<uint8_t> codes, subScales, subMinima;
  std::vector<uint16_t> scales, minima; // one a group; a super block takes its first group's
};

Bytes RandomWeight::pack(const InstructionRow &row) const {
  PanelLayout l = layout(row);
  Bytes packed(l.totalBytes());
  for (int64_t y = 0; y < n; ++y)
    for (int64_t x = 0; x < k; ++x) {
      int64_t r = y % l.nr, inner = x % l.recordSpan(), at = (y * k + x) / l.group;
      int64_t first = (y * k + x) / l.scaleSpan() * l.scaleSpan() / l.group;
      int64_t record = l.panelOffset(y / l.nr) + l.recordOffset(x / l.recordSpan());
      std::memcpy(&packed[record + l.scaleOffset(inner / l.scaleSpan(), r)], &scales[first], 2);
      if (l.hasMin)
        std::memcpy(&packed[record + l.minOffset(inner / l.scaleSpan(), r)], &minima[first], 2);
      if (l.isTwoLevel())
        packed[record + l.subScaleOffset(inner / l.runSpan(), r)] = subScales[at];
      if (l.isTwoLevel() && l.hasMin)
        packed[record + l.subMinOffset(inner / l.runSpan(), r)] = subMinima[at];
      for (mpgemm::BitPlane plane : l.planes()) {
        mpgemm::CodeLocation where = l.locate(plane, inner % l.unitSpan(), r);
        unsigned bits = codes[y * k + x] >> plane.firstBit & ((1u << plane.width) - 1);
        packed[record + l.unitOffset(inner / l.unitSpan()) + where.offset] |= uint8_t(bits << where.shift);
      }
    }
  return packed;
}

struct Shape {
  int64_t n, k, m;
};

/// @lookNAME builds tables and multiplies; @dotNAME multiplies. Both take the same activations.
std::string functionsText(const std::string &name, const RandomWeight &w, const InstructionRow &look,
                          const InstructionRow &dot, const Shape &s, int64_t run) {
  std::string c = formatv("memref<{0}x{1}xi8>", s.m, s.k), scales = formatv("memref<{0}x{1}xf32>", s.m, s.k / 32);
  std::string sums = formatv("memref<{0}x{1}xi32>", s.m, s.k / run), y = formatv("memref<{0}x{1}xf32>", s.m, s.n);
  std::string tables = formatv("memref<{0}x{1}xi8>", s.m, mpgemm::tableBytes(s.k));
  auto weight = [&](const InstructionRow &row) { return formatv("memref<{0}xi8>", w.layout(row).totalBytes()).str(); };
  return formatv(
             "func.func @dot{0}(%w: {1}, %c: {2}, %s: {3}, %t: {4}, %y: {5}, %n: index, %tid: index, %nth: index) {{\n"
             "  mpgemm.mma %w, (%c, %s, %t) rows %n into %y {{row = \"{6}\", layout = {7}} : ({1}, {2}, {3}, {4}, "
             "index, {5}) -> ()\n  return\n}\n",
             name, weight(dot), c, scales, sums, y, dot.name, w.layoutText(dot))
             .str() +
         formatv("func.func @tables{0}(%c: {1}, %a: {2}, %b: {3}, %n: index, %tid: index, %nth: index) {{\n"
                 "  mpgemm.lut_build %c, %n into %a, %b {{sum_group = {4} : i64} : ({1}, index, {2}, {3}) -> ()\n"
                 "  return\n}\n",
                 name, c, tables, sums, run)
             .str() +
         formatv("func.func @look{0}(%w: {1}, %a: {2}, %s: {3}, %t: {4}, %b: {4}, %y: {5}, %n: index, %tid: index, "
                 "%nth: index) {{\n  mpgemm.mma %w, (%a, %s, %t, %b) rows %n into %y {{row = \"{6}\", layout = {7}} : "
                 "({1}, {2}, {3}, {4}, {4}, index, {5}) -> ()\n  return\n}\n",
                 name, weight(look), tables, scales, sums, y, look.name, w.layoutText(look))
             .str();
}

struct Activations {
  std::vector<int8_t> codes;
  std::vector<float> scales;
  std::vector<int32_t> sums;

  Activations(int64_t m, int64_t k, int64_t run, std::mt19937 &random) {
    for (int64_t i = 0; i < m * k; ++i) {
      int choice = random() % 4; // quads of extremes often: there entries are largest
      codes.push_back(choice == 0 ? 127 : choice == 1 ? -127 : int8_t(int(random() % 255) - 127));
    }
    for (int64_t i = 0; i < m * k / 32; ++i)
      scales.push_back(std::uniform_real_distribution<float>(0, 0.1f)(random));
    for (int64_t i = 0; i < m * k; i += run) {
      sums.push_back(0);
      for (int64_t j = i; j < i + run; ++j)
        sums.back() += codes[j];
    }
  }
};

template <typename T> std::shared_ptr<Bytes> bytesOf(const std::vector<T> &values) {
  auto bytes = std::make_shared<Bytes>(values.size() * sizeof(T));
  std::memcpy(bytes->data(), values.data(), bytes->size());
  return bytes;
}

class LookupTest : public testing::TestWithParam<Machine> {};

/// Tables and bases by their definition.
void expectTables(const Activations &a, const Shape &s, int64_t run, int64_t valid, const Bytes &tables,
                  const Bytes &bases) {
  const auto *base = reinterpret_cast<const int32_t *>(bases.data());
  for (int64_t m = 0; m < valid; ++m)
    for (int64_t x = 0; x < s.k; x += 4) {
      const int8_t *quad = &a.codes[m * s.k + x];
      int least = 0;
      for (int i = 0; i < 4; ++i)
        least += std::min<int>(quad[i], 0);
      for (int index = 0; index < 16; ++index) {
        int sum = -least;
        for (int i = 0; i < 4; ++i)
          sum += index >> i & 1 ? quad[i] : 0;
        const uint8_t *entry = &tables[m * 8 * s.k + 4 * x + index];
        ASSERT_EQ(entry[0] + 32 * entry[4 * s.k], sum) << "row " << m << ", column " << x << ", index " << index;
        ASSERT_LE(entry[0], 31);
        ASSERT_LE(entry[4 * s.k], 15);
      }
      int32_t negative = 0;
      for (int64_t j = x / run * run; j < x / run * run + run; ++j)
        negative += std::min<int>(a.codes[m * s.k + j], 0);
      ASSERT_EQ(base[(m * s.k + x) / run], negative) << "row " << m << ", column " << x;
    }
}

TEST_P(LookupTest, EqualsMultiplicationBitForBit) {
  auto target = TargetInfo::get(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  const InstructionRow &look = *findRow(GetParam().row), &dot = *findRow("generic_base_1x4x4_s8s8s32");
  std::mt19937 random(20260101);
  struct Case {
    Numbers numbers;
    Shape shape;
    int64_t run, valid;
    Activations activations;
    size_t first; // of its calls: dot, tables, look-up
  };
  KernelProgram program;
  std::vector<Call> calls;
  std::vector<Case> cases;
  std::vector<Numbers> all = allNumbers(look.features.empty());
  for (const Numbers &numbers : all) {
    int64_t span = std::max<int64_t>({numbers.group, numbers.superGroup, 32});
    int64_t run = std::min<int64_t>(numbers.group, 32);
    // A ragged panel behind a full one, several rows of which not all are valid; and once a single output.
    for (Shape s : {Shape{53, 2 * span, 3}, Shape{1, span, 1}}) {
      if (s.n == 1 && cases.size() > 1)
        continue;
      std::string name = std::to_string(cases.size());
      RandomWeight w(numbers, s.n, s.k, random);
      ASSERT_EQ(w.layout(look).check(), nullptr) << w.layout(look).check();
      Activations a(s.m, s.k, run, random);
      program.add(functionsText(name, w, look, dot, s, run));
      int64_t valid = std::min<int64_t>(s.m, 2);
      int32_t threads = 1 + int32_t(cases.size()) % 3;
      std::vector<float> untouched(s.m * s.n, -77.0f);
      auto codes = bytesOf(a.codes), scales = bytesOf(a.scales), sums = bytesOf(a.sums);
      auto tables = std::make_shared<Bytes>(s.m * mpgemm::tableBytes(s.k));
      auto bases = std::make_shared<Bytes>(s.m * s.k / run * 4);
      cases.push_back({numbers, s, run, valid, a, calls.size()});
      calls.push_back({"dot" + name,
                       {std::make_shared<Bytes>(w.pack(dot)), codes, scales, sums, bytesOf(untouched)},
                       valid,
                       threads});
      calls.push_back({"tables" + name, {codes, tables, bases}, valid, threads});
      // The look-up reads tables made by the definition, so that it does not depend on the call before it.
      Call product{"look" + name,
                   {std::make_shared<Bytes>(w.pack(look)), std::make_shared<Bytes>(*tables), scales, sums,
                    std::make_shared<Bytes>(*bases), bytesOf(untouched)},
                   valid,
                   threads};
      for (int64_t x = 0; x < valid * s.k; x += 4)
        for (int index = 0; index < 16; ++index) {
          int sum = 0;
          for (int i = 0; i < 4; ++i)
            sum += (index >> i & 1 ? 1 : 0) * a.codes[x + i] - std::min<int>(a.codes[x + i], 0);
          uint8_t *entry = product.buffers[1]->data() + x / s.k * 8 * s.k + 4 * (x % s.k) + index;
          entry[0] = uint8_t(sum % 32), entry[4 * s.k] = uint8_t(sum / 32);
        }
      for (int64_t x = 0; x < valid * s.k; ++x)
        reinterpret_cast<int32_t *>(product.buffers[4]->data())[x / run] += std::min<int>(a.codes[x], 0);
      calls.push_back(product);
    }
  }
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");
  for (const Case &c : cases) {
    SCOPED_TRACE(c.numbers.text() + formatv(", {0} × {1}, {2} rows", c.shape.n, c.shape.k, c.shape.m).str());
    const Call &dotCall = calls[c.first], &tableCall = calls[c.first + 1], &lookCall = calls[c.first + 2];
    expectTables(c.activations, c.shape, c.run, c.valid, *tableCall.buffers[1], *tableCall.buffers[2]);
    const auto *expected = reinterpret_cast<const float *>(dotCall.buffers.back()->data());
    const auto *found = reinterpret_cast<const float *>(lookCall.buffers.back()->data());
    for (int64_t i = 0; i < c.shape.m * c.shape.n; ++i)
      ASSERT_EQ(std::memcmp(&found[i], &expected[i], 4), 0)
          << "row " << i / c.shape.n << ", output " << i % c.shape.n << ": " << found[i] << ", by multiplication "
          << expected[i];
    ASSERT_NE(expected[0], -77.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, LookupTest, testing::ValuesIn(kMachines),
                         [](const testing::TestParamInfo<Machine> &info) {
                           std::string name = std::string(info.param.row) + "_" + info.param.cpu;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace
} // namespace nibble::test
