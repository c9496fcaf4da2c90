//===- MmaTest.cpp - every instruction row × format × shape ---------------===//
//
// Products with packed weights against the definition in codegen/Lower/MmaKernel.h,
// written as plain loops. Integer sums are exact and the order of the float operations
// is defined, so every result is compared bit for bit, for every M, number of valid
// rows and number of threads.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/Activations.h"
#include "test/Kernels/KernelProgram.h"
#include "test/Kernels/ProductCases.h"
#include "test/Kernels/Weights.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace nibble::test {
namespace {

/// Rows for f32, whose weights are as narrow as their activations; ProductCases.h has the others.
const Machine kNarrowMachines[] = {
    {"aarch64_bf16_2x4x4_bf16bf16f32", "aarch64-linux-gnu", "neoverse-n2", true},
    {"aarch64_fp16fml_1x8x1_f16f16f32", "aarch64-linux-gnu", "neoverse-n2", true},
    {"x86_avx512bf16_1x16x2_bf16bf16f32", "x86_64-linux-gnu", "cooperlake", true},
};

struct Shape {
  int64_t n, k;
  bool bias, residual;
};

/// Ragged panels, one output, one record, several records, both additions.
std::vector<Shape> shapesOf(const lowbit::Format &format, const InstructionRow &row) {
  int64_t span = format.isFloat ? 1 : std::max(32u, format.blockElements);
  if (format.codeKind().width % 2 == 1) // a plane of one bit is whole vectors
    span = std::max(span, 8 * row.kr());
  std::vector<Shape> shapes = {{1, span, false, false}, {37, 3 * span, true, true}};
  if (format.isFloat)
    shapes.push_back({67, 45, false, true});
  return shapes;
}

/// Quantized activations, or f32 ones, of M rows.
struct Activations {
  std::vector<float> x, scales;
  std::vector<int8_t> codes;
  std::vector<int32_t> sums;
};

Activations makeActivations(const InstructionRow &row, int64_t m, int64_t k, int64_t sumGroup, std::mt19937 &random) {
  Activations a;
  FloatKind kind = row.narrow.value_or(FloatKind::F32);
  for (int64_t i = 0; i < m * k; ++i) {
    a.x.push_back(toFloat(kind, bitsOfNearest(kind, std::uniform_real_distribution<float>(-3, 3)(random))));
    // The extremes often: they are where narrow sums overflow.
    int choice = random() % 8;
    a.codes.push_back(choice == 0 ? 127 : choice == 1 ? -127 : int(random() % 255) - 127);
  }
  for (int64_t i = 0; i < m * k / 32; ++i)
    a.scales.push_back(random() % 9 == 0 ? 0 : std::uniform_real_distribution<float>(0, 0.1f)(random));
  for (int64_t i = 0; i < m * k / sumGroup; ++i) {
    a.sums.push_back(0);
    for (int64_t j = 0; j < sumGroup; ++j)
      a.sums.back() += a.codes[i * sumGroup + j];
  }
  return a;
}

template <typename T> std::shared_ptr<Bytes> bytesOf(const std::vector<T> &values) {
  auto bytes = std::make_shared<Bytes>(values.size() * sizeof(T));
  std::memcpy(bytes->data(), values.data(), bytes->size());
  return bytes;
}

/// A format's codes as they are, or pointing into numbers that the weight brings.
struct Case {
  Machine first;
  const lowbit::Format *second;
  lowbit::CodeKind stored = {};
};

class MmaTest : public testing::TestWithParam<Case> {
protected:
  Machine machine() const { return GetParam().first; }
  const InstructionRow &row() const { return *findRow(machine().row); }
  bool isDot() const { return row().kind == RowKind::Dot4; }
  float multiplyAdd(float a, float b, float c) const {
    if (machine().fused)
      return std::fma(a, b, c);
    volatile float product = a * b;
    return product + c;
  }
  float expectedDot(const Weight &w, const Activations &a, int64_t m, int64_t n) const;
  float expectedFloat(const Weight &w, const Activations &a, int64_t m, int64_t n) const;
};

float MmaTest::expectedDot(const Weight &w, const Activations &a, int64_t m, int64_t n) const {
  int64_t run = std::min<int64_t>(w.format->group, 32), span = w.format->isTwoLevel() ? 32 : run;
  float acc = 0;
  for (int64_t column = 0; column < w.k; column += span) {
    int32_t total = 0;
    std::vector<int32_t> sums;
    for (int64_t first = column; first < column + span; first += run) {
      int32_t dot = 0;
      sums.push_back(0);
      for (int64_t c = first; c < first + run; ++c) {
        dot += int32_t(w.number(n, c)) * a.codes[m * w.k + c];
        sums.back() += a.codes[m * w.k + c];
      }
      total += run < span ? w.subScale(n, first) * dot : dot;
    }
    float da = a.scales[(m * w.k + column) / 32];
    acc = multiplyAdd((run < span ? w.floatScale(n, column) : w.scale(n, column)) * da, float(total), acc);
    if (w.format->hasMin())
      for (int64_t i = 0; i < span / run; ++i)
        acc = multiplyAdd(w.minimum(n, column + i * run), da * float(sums[i]), acc);
  }
  return acc;
}

/// a + b rounded to odd: towards zero, and where that is not exact to the neighbour whose last bit is set. `a` and `b`
/// are products of two bf16, or floats.
float addToOdd(double a, double b) {
  double sum = a + b, rest = b - (sum - a) + (a - (sum - (sum - a))); // two-sum: sum + rest = a + b
  float towardsZero = float(sum);
  bool beyond = std::fabs(double(towardsZero)) > std::fabs(sum) ||
                (double(towardsZero) == sum && rest != 0 && (rest < 0) != (sum < 0));
  if (beyond)
    towardsZero = std::nextafter(towardsZero, 0.0f);
  bool exact = double(towardsZero) == sum && rest == 0;
  return exact ? towardsZero : std::bit_cast<float>(std::bit_cast<uint32_t>(towardsZero) | 1);
}

float MmaTest::expectedFloat(const Weight &w, const Activations &a, int64_t m, int64_t n) const {
  float acc = 0;
  auto product = [&](int64_t c) { return double(a.x[m * w.k + c]) * w.value(n, c); };
  if (row().narrow == FloatKind::BF16) { // pairs of columns: BFDOT, or two multiply-adds (VDPBF16PS)
    for (int64_t c = 0; c < w.k; c += 2) {
      double second = c + 1 < w.k ? product(c + 1) : 0;
      if (row().isa == Isa::AArch64)
        acc = addToOdd(acc, addToOdd(product(c), second));
      else
        acc = float(product(c) + double(float(second + acc)));
    }
    return acc;
  }
  for (int64_t c = 0; c < w.k; ++c)
    acc = multiplyAdd(a.x[m * w.k + c], w.value(n, c), acc);
  return acc;
}

/// Rows of the buffers: one, fewer than a tile, several tiles and a rest.
constexpr int64_t kRows[] = {1, 2, 35}; // 35 = 2 · 16 + 2 + 1 for a row whose tile is 16

std::string nameOf(const Shape &shape, int64_t m) {
  return "case_" + std::to_string(shape.n) + "_" + std::to_string(shape.k) + "_" + std::to_string(m);
}

std::string memref(std::initializer_list<int64_t> shape, const char *element) {
  std::string text = "memref<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

/// The function of one product in buffer form. Rows of y are 3 columns longer than needed.
std::string functionText(const InstructionRow &row, const Weight &w, const Shape &shape, int64_t m, int64_t sumGroup) {
  bool dot = row.kind == RowKind::Dot4;
  unsigned bias = w.biasFor(row);
  std::string layout = w.layoutText(row.nr(), row.kr(), bias);
  std::vector<std::pair<std::string, std::string>> args = {
      {"%w", memref({w.layout(row.nr(), row.kr(), bias).totalBytes()}, "i8")}};
  std::string names = "%x";
  if (dot) {
    mpgemm::ActivationLayout order = activationLayout(row, m, w.k);
    args.push_back({"%c", memref({order.blocks(m), order.codesOfBlock()}, "i8")});
    args.push_back({"%s", memref({order.blocks(m), order.numbersOfBlock(32)}, "f32")});
    args.push_back({"%t", memref({order.blocks(m), order.numbersOfBlock(sumGroup)}, "i32")});
    names = "%c, %s, %t";
  } else {
    args.push_back({"%x", memref({m, w.k}, "f32")});
  }
  std::string additions, additionTypes;
  if (shape.bias) {
    args.push_back({"%b", memref({w.n}, "f32")});
    additions += " bias %b", additionTypes += ", " + args.back().second;
  }
  std::string y = "memref<" + std::to_string(m) + "x" + std::to_string(w.n) + "xf32, strided<[" +
                  std::to_string(w.n + 3) + ", 1]>>";
  if (shape.residual) {
    args.push_back({"%r", y});
    additions += " residual %r", additionTypes += ", " + y;
  }
  args.push_back({"%y", y});
  std::string header, types;
  for (auto &[name, type] : args)
    header += name + ": " + type + ", ";
  for (size_t i = 0; i < (dot ? 4u : 2u); ++i)
    types += args[i].second + ", ";
  return "func.func @" + nameOf(shape, m) + "(" + header + "%n: index, %tid: index, %nth: index) {\n  mpgemm.mma %w, (" +
         names + ") rows %n" + additions + " into %y {row = \"" + row.name.str() + "\", layout = " + layout + "} : (" +
         types + "index" + additionTypes + ", " + y + ") -> ()\n  return\n}\n";
}

TEST_P(MmaTest, EqualsTheDefinitionBitForBit) {
  auto target = targetOf(machine().triple, machine().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  const lowbit::Format &format = *GetParam().second;
  std::mt19937 random(20260101);
  int64_t sumGroup = format.isFloat ? 32 : std::min(32u, format.group);

  struct Expectation {
    size_t call;
    Shape shape;
    int64_t m;
    std::vector<float> y;
  };
  KernelProgram program;
  std::vector<Call> calls;
  std::vector<Expectation> expectations;
  for (const Shape &shape : shapesOf(format, row())) {
    lowbit::CodeKind stored = GetParam().stored;
    Weight w = stored.width ? Weight(format, stored, shape.n, shape.k, random) : Weight(format, shape.n, shape.k, random);
    unsigned layoutBias = w.biasFor(row());
    auto packed = std::make_shared<Bytes>(w.pack(row().nr(), row().kr(), layoutBias));
    std::vector<float> bias(shape.n), residual;
    for (float &value : bias)
      value = std::uniform_real_distribution<float>(-1, 1)(random);
    for (int64_t m : kRows) {
      program.add(functionText(row(), w, shape, m, sumGroup));
      Activations a = makeActivations(row(), m, shape.k, sumGroup, random);
      residual.assign(m * (shape.n + 3), 0.25f);
      std::vector<float> sums(m * shape.n);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t n = 0; n < shape.n; ++n) {
          float &y = sums[i * shape.n + n];
          y = isDot() ? expectedDot(w, a, i, n) : expectedFloat(w, a, i, n);
          if (shape.bias)
            y += bias[n];
          if (shape.residual)
            y += 0.25f;
        }
      for (int64_t valid : {1, 2, 7, 35})
        for (int32_t threads : {1, 2, 3}) {
          if (valid > m || (threads > 1 && valid != m))
            continue;
          Call call{nameOf(shape, m), {packed}, valid, threads};
          mpgemm::ActivationLayout order = activationLayout(row(), m, shape.k);
          if (isDot())
            call.buffers.insert(call.buffers.end(), {bytesOf(inOrder(a.codes, m, order)), bytesOf(inOrder(a.scales, m, 32, order)),
                                                     bytesOf(inOrder(a.sums, m, sumGroup, order))});
          else
            call.buffers.push_back(bytesOf(a.x));
          if (shape.bias)
            call.buffers.push_back(bytesOf(bias));
          if (shape.residual)
            call.buffers.push_back(bytesOf(residual));
          call.buffers.push_back(bytesOf(std::vector<float>(m * (shape.n + 3), -77.0f)));
          expectations.push_back({calls.size(), shape, m, sums});
          calls.push_back(call);
        }
    }
  }

  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");
  for (const Expectation &expected : expectations) {
    const Call &call = calls[expected.call];
    std::vector<float> y(call.buffers.back()->size() / 4);
    std::memcpy(y.data(), call.buffers.back()->data(), call.buffers.back()->size());
    int64_t n = expected.shape.n;
    for (int64_t i = 0; i < expected.m; ++i)
      for (int64_t j = 0; j < n + 3; ++j) {
        // What is no result must be untouched: the gap between rows, and rows at and after n.
        float want = i < call.n && j < n ? expected.y[i * n + j] : -77.0f;
        ASSERT_TRUE(sameFloat(y[i * (n + 3) + j], want))
            << call.function << " n=" << call.n << " threads=" << call.threads << ": y[" << i << "][" << j
            << "] = " << y[i * (n + 3) + j] << ", expected " << want;
      }
  }
}

/// A format of each kind: 8 bits, minima, bit planes, two levels, and codebooks small and large with each kind of scale.
/// That no format is forgotten on any row is KernelSweep's business.
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
    bool dot = kind == RowKind::Dot4;
    // Codes that are multiplied where they lie: two fields a run, a field of several runs, and single bits, in turn.
    const char *inPlace = std::array{"q2_0", "tq2_0", "u1_long"}[(&machine - machines().data()) % 3];
    for (const lowbit::Format *format : all) {
      llvm::StringRef name = format->name;
      bool chosen = llvm::is_contained({"q8_0", "q4_1", "q6_k", "nvfp4"}, name) ||
                    (dot && llvm::is_contained({"q5_0", "q3_k", "iq2_xs", inPlace}, name)) ||
                    (llvm::StringRef(machine.row).contains("vbmi") && name == "e2m3_bf16"); // 64 numbers
      if (format->isFloat ? !dot : chosen && (!dot || hasIntegers(*format)))
        cases.push_back({machine, format});
    }
    cases.push_back({machine, q4, CodeKind(4, CodeKind::I8, CodeKind::Row)});
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
                           return std::string(info.param.first.row) + "_" + cpu + "_" + info.param.second->name + suffix;
                         });

} // namespace
} // namespace nibble::test
