//===- ExpertMmaTest.cpp - products with chosen experts --------------------===//
//
// Each row of a product with chosen experts has the bits that mpgemm.mma gives for that row
// and the expert's matrix alone, on every instruction row, for one row of activations, for
// fewer than a tile and for many, which are taken by expert. And experts that no row chose are not read: their
// pages are not readable here.
//
//===----------------------------------------------------------------------===//
#include "dialects/LowBit/FloatKind.h"
#include "test/Kernels/Activations.h"
#include "test/Kernels/KernelProgram.h"
#include "test/Kernels/ProductCases.h"
#include "test/Kernels/Weights.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <numeric>

namespace nibble::test {
namespace {

constexpr int64_t kExperts = 3, kPerRow = 2, kUnchosen = 1;

std::string memref(int64_t rows, int64_t columns, const char *element) {
  return "memref<" + std::to_string(rows) + "x" + std::to_string(columns) + "x" + element + ">";
}

/// Bytes of the elements.
template <typename T> std::shared_ptr<Bytes> bytesOf(const std::vector<T> &values) {
  auto from = reinterpret_cast<const uint8_t *>(values.data());
  return std::make_shared<Bytes>(from, from + values.size() * sizeof(T));
}

/// Bytes of a row of tables.
int64_t tableBytesOf(const InstructionRow &row, int64_t k) {
  return row.averages ? mpgemm::averagedTableBytes(k) : mpgemm::tableBytes(k);
}

/// A layer's experts in a format, and functions of products with them: @one of a single row and a single expert, @token
/// of one row, @few of five, @chunk of `rows`.
struct Layer {
  Layer(const InstructionRow &row, const lowbit::Format &format, int64_t n, int64_t k, int64_t rows,
        std::mt19937 &random);

  void add(KernelProgram &program) const;
  /// Codes, scales and sums, tables and what belongs to them, or floats, of rows [first, first + count).
  std::vector<std::shared_ptr<Bytes>> activations(int64_t first, int64_t count) const;

  const InstructionRow &row;
  int64_t n, k, rows, sumGroup;
  std::vector<Bytes> packed; ///< of each expert
  std::string element, oneLayout, allLayout;
  std::vector<float> x, scales;
  std::vector<int8_t> codes;
  std::vector<int32_t> sums, chosen;
  LookupTables looked;
};

Layer::Layer(const InstructionRow &row, const lowbit::Format &format, int64_t n, int64_t k, int64_t rows,
             std::mt19937 &random)
    : row(row), n(n), k(k), rows(rows), sumGroup(format.isFloat ? 32 : std::min(32u, format.group)) {
  bool look = row.kind == RowKind::Lookup;
  FloatKind kind = row.narrow.value_or(FloatKind::F32);
  for (int64_t expert = 0; expert < kExperts; ++expert) {
    Weight weight(format, n, k, random);
    unsigned bias = row.kind == RowKind::Dot ? weight.biasFor(row) : 0;
    packed.push_back(weight.pack(row.nr(), row.kr(), bias, look));
    oneLayout = weight.layoutText(row.nr(), row.kr(), bias, look);
    weight.n = n * kExperts;
    allLayout = weight.layoutText(row.nr(), row.kr(), bias, look);
  }
  for (int64_t i = 0; i < rows * k; ++i) {
    x.push_back(toFloat(kind, bitsOfNearest(kind, std::uniform_real_distribution<float>(-3, 3)(random))));
    codes.push_back(int8_t(int(random() % 255) - 127));
  }
  for (int64_t i = 0; i < rows * k / 32; ++i)
    scales.push_back(std::uniform_real_distribution<float>(0, 0.1f)(random));
  for (int64_t i = 0; i < rows * k / sumGroup; ++i)
    sums.push_back(std::accumulate(&codes[i * sumGroup], &codes[i * sumGroup] + sumGroup, 0));
  // Expert 0 far more often than there is room for at once; one expert twice for a row, too.
  for (int64_t i = 0; i < rows * kPerRow; ++i)
    chosen.push_back(random() % 4 == 0 ? 2 : 0);
  if (look)
    looked = makeTables(codes, k, sumGroup, row.averages);
}

void Layer::add(KernelProgram &program) const {
  auto function = [&](const std::string &name, int64_t m, bool hasExperts) {
    std::string w = "memref<" + std::to_string(packed[0].size() * (hasExperts ? kExperts : 1)) + "xi8>";
    std::string types = w, arguments = "%w: " + w, operands;
    auto operand = [&](const std::string &value, const std::string &type) {
      types += ", " + type, arguments += ", " + value + ": " + type, operands += (operands.empty() ? "" : ", ") + value;
    };
    bool look = row.kind == RowKind::Lookup;
    operand("%x", memref(m, look ? tableBytesOf(row, k) : k, row.isInteger() ? "i8" : "f32"));
    if (row.isInteger()) {
      operand("%s", memref(m, k / 32, "f32"));
      operand("%t", memref(m, k / sumGroup, "i32"));
    }
    if (look)
      operand("%b", memref(m, k / sumGroup, "i32"));
    std::string y = memref(hasExperts ? m * kPerRow : m, n, "f32"), chosen = memref(m, kPerRow, "i32");
    if (hasExperts)
      types += ", " + chosen, arguments += ", %c: " + chosen;
    program.add("func.func @" + name + "(" + arguments + ", %y: " + y +
                ", %n: index, %tid: index, %nth: index) {\n  mpgemm." + (hasExperts ? "expert_mma" : "mma") + " %w, (" +
                operands + ")" + (hasExperts ? ", %c" : "") + " rows %n into %y {row = \"" + row.name.str() + "\"" +
                (hasExperts ? ", experts = 3 : i64" : "") + ", layout = " + (hasExperts ? allLayout : oneLayout) +
                "} : (" + types + ", index, " + y + ") -> ()\n  return\n}\n");
  };
  function("one", 1, false);
  function("token", 1, true);
  function("few", 5, true);
  function("chunk", rows, true);
}

std::vector<std::shared_ptr<Bytes>> Layer::activations(int64_t first, int64_t count) const {
  auto part = [&](const auto &values, int64_t width) {
    auto from = values.begin() + first * width;
    return bytesOf(std::decay_t<decltype(values)>(from, from + count * width));
  };
  if (!row.isInteger())
    return {part(x, k)};
  if (row.kind != RowKind::Lookup)
    return {part(codes, k), part(scales, k / 32), part(sums, k / sumGroup)};
  return {part(looked.tables, tableBytesOf(row, k)), part(scales, k / 32), part(sums, k / sumGroup),
          part(looked.bases, k / sumGroup)};
}

const lowbit::Format &formatNamed(llvm::StringRef name) {
  const lowbit::Format *format = lowbit::findFormat(name);
  EXPECT_TRUE(format) << name.str();
  return *format;
}

/// The rows of the result, by @one.
std::vector<Call> expectedCalls(const Layer &layer) {
  std::vector<Call> calls;
  for (int64_t i = 0; i < layer.rows * kPerRow; ++i) {
    std::vector<std::shared_ptr<Bytes>> buffers = {std::make_shared<Bytes>(layer.packed[layer.chosen[i]])};
    llvm::append_range(buffers, layer.activations(i / kPerRow, 1));
    buffers.push_back(std::make_shared<Bytes>(layer.n * 4));
    calls.push_back({"one", buffers, 1, 1});
  }
  return calls;
}

Call expertCall(const Layer &layer, const std::string &function, int64_t first, int64_t count, int64_t valid,
                int threads) {
  auto all = std::make_shared<Bytes>();
  for (const Bytes &expert : layer.packed)
    all->insert(all->end(), expert.begin(), expert.end());
  std::vector<std::shared_ptr<Bytes>> buffers = {all};
  llvm::append_range(buffers, layer.activations(first, count));
  auto chosen = layer.chosen.begin() + first * kPerRow;
  buffers.push_back(bytesOf(std::vector<int32_t>(chosen, chosen + count * kPerRow)));
  buffers.push_back(std::make_shared<Bytes>(count * kPerRow * layer.n * 4, 0xee));
  return {function, buffers, valid, threads};
}

class ExpertMmaTest : public testing::TestWithParam<Machine> {};

TEST_P(ExpertMmaTest, RowsHaveTheBitsOfOneProduct) {
  const InstructionRow &row = *findRow(GetParam().row);
  llvm::Expected<TargetInfo> target = targetOf(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target));
  if (std::string reason = whyNotRunnable(*target); !reason.empty())
    GTEST_SKIP() << reason;
  constexpr int64_t kRows = 53, kValid = 51;
  std::mt19937 random(7);
  std::vector<std::string> formats = {"q4_0", "q4_k", "q8_0"};
  if (row.kind == RowKind::Lookup)
    formats.back() = "q2_k";
  if (row.kind == RowKind::Lookup && row.isa == Isa::Generic) // whose code is long
    formats = {"q4_0"};
  if (row.kind == RowKind::Float)
    formats.push_back("f32");
  if (row.narrow)
    formats = {spelling(*row.narrow)};
  for (const std::string &name : formats) {
    SCOPED_TRACE(name);
    Layer layer(row, formatNamed(name), 3 * row.nr(), 256, kRows, random);
    KernelProgram program;
    layer.add(program);
    ASSERT_EQ(program.compile(*target), "");
    std::vector<Call> calls = expectedCalls(layer);
    calls.push_back(expertCall(layer, "chunk", 0, kRows, kValid, 1));
    calls.push_back(expertCall(layer, "chunk", 0, kRows, kValid, 2));
    calls.push_back(expertCall(layer, "chunk", 0, kRows, 1, 1));
    calls.push_back(expertCall(layer, "token", 5, 1, 1, 2));
    calls.push_back(expertCall(layer, "few", 7, 5, 5, 2));
    ASSERT_EQ(program.run(calls), "");
    auto check = [&](const Call &call, int64_t first, int64_t valid) {
      const Bytes &y = *call.buffers.back();
      for (int64_t i = 0; i < valid * kPerRow; ++i)
        ASSERT_EQ(std::memcmp(&y[i * layer.n * 4], calls[first * kPerRow + i].buffers.back()->data(), layer.n * 4), 0)
            << "row " << i << " of @" << call.function;
      for (size_t i = valid * kPerRow * layer.n * 4; i < y.size(); ++i) // not touched
        ASSERT_EQ(y[i], 0xee);
    };
    size_t one = layer.rows * kPerRow;
    check(calls[one], 0, kValid);
    check(calls[one + 1], 0, kValid);
    check(calls[one + 2], 0, 1);
    check(calls[one + 3], 5, 1);
    check(calls[one + 4], 7, 5);
  }
}

/// Rows whose weights and activations are as narrow as each other, too.
std::vector<Machine> allMachines() {
  std::vector<Machine> rows = machines().vec();
  rows.push_back({"aarch64_bf16_2x4x4_bf16bf16f32", "aarch64-linux-gnu", "neoverse-n2", true});
  rows.push_back({"aarch64_fp16fml_1x8x1_f16f16f32", "aarch64-linux-gnu", "neoverse-n2", true});
  rows.push_back({"x86_avx512bf16_1x16x2_bf16bf16f32", "x86_64-linux-gnu", "cooperlake", true});
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Rows, ExpertMmaTest, testing::ValuesIn(allMachines()), [](const auto &info) {
  std::string name = std::string(info.param.row) + "_" + info.param.cpu;
  for (char &c : name)
    c = llvm::isAlnum(c) ? c : '_';
  return name;
});

/// Calls a function of this process with experts of which one's pages cannot be read.
void callGuarded(KernelProgram &program, const Layer &layer, Call call) {
  int64_t size = layer.packed[0].size();
  auto memory = static_cast<uint8_t *>(
      mmap(nullptr, size * kExperts, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  std::memcpy(memory, call.buffers[0]->data(), size * kExperts);
  ASSERT_EQ(mprotect(memory + kUnchosen * size, size, PROT_NONE), 0);
  auto b = [&](size_t index) { return call.buffers[index]->data(); };
  auto function = reinterpret_cast<void (*)(void *, void *, void *, void *, void *, void *, int64_t, int64_t, int64_t)>(
      program.find(call.function));
  ASSERT_NE(function, nullptr);
  function(memory, b(1), b(2), b(3), b(4), b(5), call.n, 0, 1);
  munmap(memory, size * kExperts);
}

TEST(ExpertMmaReads, OnlyChosenExperts) {
#ifdef __x86_64__
  const char *triple = "x86_64-linux-gnu", *cpu = "x86-64";
#else
  const char *triple = "aarch64-linux-gnu", *cpu = "cortex-a53";
#endif
  const InstructionRow &row = *findRow("generic_base_1x4x4_s8s8s32");
  llvm::Expected<TargetInfo> target = targetOf(triple, cpu);
  ASSERT_TRUE(bool(target));
  std::mt19937 random(8);
  const lowbit::Format &format = formatNamed("q4_0");
  // As many panels that an expert's are whole pages.
  int64_t k = 512, panel = Weight(format, row.nr(), k, random).layout(row.nr(), row.kr(), 0).panelBytes();
  int64_t panels = 4096 / std::gcd<int64_t>(panel, 4096);
  Layer layer(row, format, panels * row.nr(), k, 20, random);
  ASSERT_EQ(layer.packed[0].size() % 4096, 0u);
  KernelProgram program;
  layer.add(program);
  ASSERT_EQ(program.compile(*target), "");
  callGuarded(program, layer, expertCall(layer, "chunk", 0, 20, 20, 1));
  callGuarded(program, layer, expertCall(layer, "token", 0, 1, 1, 1));
  layer.chosen[3] = kUnchosen;
  EXPECT_EXIT(callGuarded(program, layer, expertCall(layer, "chunk", 0, 20, 20, 1)), testing::KilledBySignal(SIGSEGV),
              "");
}

} // namespace
} // namespace nibble::test
