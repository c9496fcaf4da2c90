//===- EmbedTest.cpp - rows of packed tables, bit for bit ------------------===//
//
// lm.embed must give the numbers that the format's dequantization gives, whatever the
// table is packed for: rows one after the other, or interleaved for an output head.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/KernelProgram.h"
#include "test/Kernels/Weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <tuple>

namespace nibble::test {
namespace {

struct Machine {
  const char *triple, *cpu;
};

class EmbedTest : public testing::TestWithParam<std::tuple<Machine, const lowbit::Format *>> {};

TEST_P(EmbedTest, EqualsTheDecoderBitForBit) {
  auto [machine, format] = GetParam();
  auto target = TargetInfo::get(machine.triple, machine.cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(11);
  int64_t k = format->isFloat ? 90 : 2 * std::max(32u, format->blockElements), rows = 45, m = 7;
  Weight w(*format, rows, k, random);
  const int32_t tokens[] = {0, 44, 17, 16, 15, 1, 31};
  int64_t kr = format->isFloat ? 1 : 4;
  bool isByte = !format->isFloat && format->codeKind().isInteger() && format->codeKind().width == 8;

  KernelProgram program;
  std::vector<Call> calls;
  struct Packing {
    int64_t nr, kr;
    unsigned bias;
  };
  std::vector<Packing> packings = {{1, kr, 0}, {16, kr, 0}, {32, 1, 0}};
  if (isByte)
    packings.push_back({32, kr, 128});
  for (Packing packing : packings) {
    std::string name = "embed_" + std::to_string(packing.nr) + "_" + std::to_string(packing.kr) + "_" +
                       std::to_string(packing.bias);
    auto packed = std::make_shared<Bytes>(w.pack(packing.nr, packing.kr, packing.bias));
    std::string table = "memref<" + std::to_string(packed->size()) + "xi8>",
                y = "memref<7x" + std::to_string(k) + "xf32>";
    program.add("func.func @" + name + "(%t: memref<7xi32>, %w: " + table + ", %y: " + y +
                ", %n: index, %tid: index, %nth: index) {\n  lm.embed %t, %w, %n into %y {layout = " +
                w.layoutText(packing.nr, packing.kr, packing.bias) + "} : (memref<7xi32>, " + table + ", index, " + y +
                ") -> ()\n  return\n}\n");
    for (int64_t valid : {1, 5, 7})
      for (int32_t threads : {1, 3}) {
        auto ids = std::make_shared<Bytes>(sizeof tokens);
        std::memcpy(ids->data(), tokens, sizeof tokens);
        calls.push_back({name, {ids, packed, std::make_shared<Bytes>(m * k * 4, uint8_t(0x5a))}, valid, threads});
      }
  }
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");
  for (const Call &call : calls) {
    std::vector<float> y(m * k);
    std::memcpy(y.data(), call.buffers.back()->data(), y.size() * 4);
    float untouched;
    std::memset(&untouched, 0x5a, 4);
    for (int64_t i = 0; i < m * k; ++i) {
      float want = i / k < call.n ? w.value(tokens[i / k], i % k) : untouched;
      ASSERT_TRUE(sameFloat(y[i], want)) << call.function << " n=" << call.n << " threads=" << call.threads << ": y["
                                         << i / k << "][" << i % k << "] = " << y[i] << ", expected " << want;
    }
  }
}

/// Every format on one machine, one of each kind on the others.
std::vector<std::tuple<Machine, const lowbit::Format *>> allCases() {
  std::vector<std::tuple<Machine, const lowbit::Format *>> cases;
  const Machine machines[] = {
      {"x86_64-linux-gnu", "x86-64"}, {"x86_64-linux-gnu", "haswell"}, {"aarch64-linux-gnu", "cortex-a76"}};
  for (const Machine &machine : machines) {
    auto add = [&](const lowbit::Format &format) {
      if (machine.cpu == llvm::StringRef("haswell") ||
          llvm::is_contained({"f16", "i8", "q8_0", "q4_1", "q6_k", "nvfp4", "mxfp4", "iq3_s", "nf4_64"},
                             llvm::StringRef(format.name)))
        cases.push_back({machine, &format});
    };
    llvm::for_each(lowbit::formats(), add);
    llvm::for_each(ownFormats(), add);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Machines, EmbedTest, testing::ValuesIn(allCases()),
                         [](const testing::TestParamInfo<EmbedTest::ParamType> &info) {
                           std::string cpu = std::get<0>(info.param).cpu;
                           std::replace(cpu.begin(), cpu.end(), '-', '_');
                           return cpu + "_" + std::get<1>(info.param)->name;
                         });

} // namespace
} // namespace nibble::test
