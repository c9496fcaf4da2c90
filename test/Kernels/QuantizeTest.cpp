//===- QuantizeTest.cpp - mpgemm.quantize against its definition ----------===//
//
// The best of four scales, codes rounded to nearest-even, in plain loops; all
// bits compared, with groups of zeros, ties, denormals, infinities and huge values.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/KernelProgram.h"
#include "test/Kernels/Weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace nibble::test {
namespace {

struct Machine {
  const char *triple, *cpu;
  bool fused; ///< multiply-adds round once
};

class QuantizeTest : public testing::TestWithParam<Machine> {};

constexpr int64_t kM = 9, kK = 576;

/// One kind of numbers per group, in turn.
std::vector<float> makeRows(std::mt19937 &random) {
  std::vector<float> x(kM * kK);
  for (size_t i = 0; i < x.size(); ++i) {
    float u = std::uniform_real_distribution<float>(-1, 1)(random);
    switch (i / 32 % 8) {
    case 0:
      x[i] = 0;
      break;
    case 1: // ties: multiples of half a scale, with a maximum of 127
      x[i] = i % 32 == 5 ? -127 : float(int(random() % 253) - 126) / 2;
      break;
    case 2:
      x[i] = u * 1e-41f; // denormals
      break;
    case 3:
      x[i] = u * 3e38f;
      break;
    case 4:
      x[i] = i % 32 == 7 ? 250 : u; // an outlier
      break;
    case 5:
      x[i] = random() % 4 ? -0.0f : 1e-45f; // s underflows to zero
      break;
    case 6: // no numbers: any codes in range will do
      x[i] = i % 32 == 3 ? std::numeric_limits<float>::infinity()
             : i % 64 == 41 ? std::numeric_limits<float>::quiet_NaN()
                            : u;
      break;
    default:
      x[i] = u * 4;
    }
  }
  return x;
}

struct Group {
  float scale;
  int codes[32];
};

float multiplyAdd(bool fused, float a, float b, float c) {
  if (fused)
    return std::fma(a, b, c);
  volatile float product = a * b;
  return product + c;
}

/// Sum of 32 squares: every eighth one after the other, then the first half to the second, until one is left.
float sumOfSquares(bool fused, const float *values) {
  float sums[8] = {};
  for (int i = 0; i < 32; ++i)
    sums[i % 8] = multiplyAdd(fused, values[i], values[i], sums[i % 8]);
  for (int half = 4; half > 0; half /= 2)
    for (int i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return sums[0];
}

/// The definition in dialects/MPGEMM/MPGEMMOps.td, in f32.
Group quantize(bool fused, const float *x) {
  constexpr float rounder = 12582912.0f; // rounds to an integer what is added to it
  float largest = 0;
  for (int i = 0; i < 32; ++i)
    largest = std::max(largest, std::fabs(x[i]));
  float finest = largest / 127, least = 0;
  Group best = {};
  for (int top : {127, 125, 123, 121}) {
    Group group;
    group.scale = largest / float(top);
    float misses[32];
    for (int i = 0; i < 32; ++i) {
      float step = x[i] / (finest == 0 ? 1 : finest);
      float scaled = top == 127 ? step : step * (float(top) / 127);
      volatile float rounded = scaled + rounder;
      float code = rounded - rounder;
      group.codes[i] = int(std::clamp(code, -127.0f, 127.0f));
      misses[i] = scaled - code;
    }
    float error = sumOfSquares(fused, misses) * (127.0f * 127 / float(top * top));
    if (top == 127 || error < least) {
      least = error;
      best = group;
    }
  }
  return best;
}

std::shared_ptr<Bytes> filled(size_t size) { return std::make_shared<Bytes>(size, uint8_t(0x5a)); }

TEST_P(QuantizeTest, EqualsTheDefinitionBitForBit) {
  auto target = TargetInfo::get(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(7);
  std::vector<float> x = makeRows(random);
  KernelProgram program;
  std::vector<Call> calls;
  for (int64_t sumGroup : {16, 32, 64}) {
    std::string name = "quantize_" + std::to_string(sumGroup), sums = std::to_string(kK / sumGroup);
    std::string types[] = {"memref<9x576xf32>", "memref<9x576xi8>", "memref<9x18xf32>", "memref<9x" + sums + "xi32>"};
    program.add("func.func @" + name + "(%x: " + types[0] + ", %c: " + types[1] + ", %s: " + types[2] + ", %t: " +
                types[3] + ", %n: index, %tid: index, %nth: index) {\n  mpgemm.quantize %x, %n into %c, %s, %t " +
                "{group = 32 : i64, sum_group = " + std::to_string(sumGroup) + " : i64} : (" + types[0] + ", index, " +
                types[1] + ", " + types[2] + ", " + types[3] + ") -> ()\n  return\n}\n");
    for (int64_t valid : {1, 5, 9})
      for (int32_t threads : {1, 2, 3}) {
        auto bytes = std::make_shared<Bytes>(x.size() * 4);
        std::memcpy(bytes->data(), x.data(), bytes->size());
        calls.push_back(
            {name, {bytes, filled(kM * kK), filled(kM * kK / 8), filled(kM * kK / sumGroup * 4)}, valid, threads});
      }
  }
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");

  for (const Call &call : calls) {
    int64_t sumGroup = kM * kK * 4 / int64_t(call.buffers[3]->size());
    SCOPED_TRACE(call.function + " n=" + std::to_string(call.n) + " threads=" + std::to_string(call.threads));
    auto codes = reinterpret_cast<const int8_t *>(call.buffers[1]->data());
    auto scales = reinterpret_cast<const float *>(call.buffers[2]->data());
    auto sums = reinterpret_cast<const int32_t *>(call.buffers[3]->data());
    for (int64_t group = 0; group < call.n * kK / 32; ++group) {
      const int8_t *found = codes + group * 32;
      if (!std::all_of(&x[group * 32], &x[group * 32] + 32, [](float value) { return std::isfinite(value); })) {
        EXPECT_TRUE(std::all_of(found, found + 32, [](int8_t code) { return code >= -127; })) << "group " << group;
        continue;
      }
      Group expected = quantize(GetParam().fused, &x[group * 32]);
      ASSERT_TRUE(sameFloat(scales[group], expected.scale))
          << "group " << group << ": " << scales[group] << ", expected " << expected.scale;
      for (int64_t i = 0; i < 32; ++i)
        ASSERT_EQ(int(found[i]), expected.codes[i])
            << "x[" << group * 32 + i << "] = " << x[group * 32 + i] << ", scale " << expected.scale;
    }
    for (int64_t i = 0; i < call.n * kK / sumGroup; ++i) {
      int32_t sum = 0;
      for (int64_t j = 0; j < sumGroup; ++j)
        sum += codes[i * sumGroup + j];
      ASSERT_EQ(sums[i], sum) << "sum " << i;
    }
    // Rows at and after n are untouched.
    for (int64_t i = call.n * kK; i < kM * kK; ++i)
      ASSERT_EQ(codes[i], 0x5a);
  }
}

/// Interleaved rows hold the same numbers at the places of dialects/MPGEMM/ActivationLayout.h, scales and sums twice.
TEST_P(QuantizeTest, InterleavesRows) {
  auto target = TargetInfo::get(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  constexpr int64_t m = 7, k = 96;
  std::mt19937 random(10);
  std::vector<float> x(m * k);
  for (float &value : x)
    value = std::uniform_real_distribution<float>(-3, 3)(random);
  auto bytes = std::make_shared<Bytes>(x.size() * 4);
  std::memcpy(bytes->data(), x.data(), bytes->size());
  KernelProgram program;
  std::vector<Call> calls;
  for (int64_t group : {32, 96}) { // scales by group and by row
    std::string name = "interleave_" + std::to_string(group), scales = std::to_string(8 * 96 / group);
    std::string outs = "memref<2x384xi8>, memref<2x" + scales + "xf32>, memref<2x48xi32>";
    program.add(
        "func.func @" + name + "(%x: memref<7x96xf32>, %c: memref<2x384xi8>, %s: memref<2x" + scales +
        "xf32>, %t: memref<2x48xi32>, %n: index, %tid: index, %nth: index) {\n  mpgemm.quantize %x, %n into %c, %s, "
        "%t {group = " +
        std::to_string(group) + " : i64, sum_group = 16 : i64} : (memref<7x96xf32>, index, " + outs +
        ") -> ()\n  return\n}\n");
    for (int32_t threads : {1, 2})
      calls.push_back({name, {bytes, filled(2 * 384), filled(2 * 8 * 96 / group * 4), filled(2 * 48 * 4)}, m, threads});
  }
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");
  for (const Call &call : calls) {
    auto codes = reinterpret_cast<const int8_t *>(call.buffers[1]->data());
    auto scales = reinterpret_cast<const float *>(call.buffers[2]->data());
    auto sums = reinterpret_cast<const int32_t *>(call.buffers[3]->data());
    bool byRow = call.function == "interleave_96";
    for (int64_t row = 0; row < m; ++row)
      for (int64_t group = 0; group < 3; ++group) {
        const float *values = &x[row * k + group * 32];
        Group expected = quantize(GetParam().fused, values);
        if (byRow) {
          float largest = 0;
          for (int64_t i = 0; i < k; ++i)
            largest = std::max(largest, std::fabs(x[row * k + i]));
          expected.scale = largest / 127;
          for (int64_t i = 0; i < 32; ++i)
            expected.codes[i] = int(std::nearbyint(values[i] / expected.scale));
        }
        int64_t block = row / 4, pair = row % 4 / 2, second = row % 2;
        for (int64_t i = 0; i < 32; ++i)
          ASSERT_EQ(int(codes[block * 384 + group * 128 + pair * 64 + i / 8 * 16 + second * 8 + i % 8]),
                    expected.codes[i])
              << "row " << row << ", column " << group * 32 + i;
        for (int64_t copy : {0, 1}) {
          int64_t place = pair * 4 + second * 2 + copy;
          ASSERT_TRUE(sameFloat(scales[byRow ? block * 8 + place : block * 24 + group * 8 + place], expected.scale));
          for (int64_t half : {0, 1}) {
            int32_t sum = 0;
            for (int64_t i = 0; i < 16; ++i)
              sum += expected.codes[half * 16 + i];
            ASSERT_EQ(sums[block * 48 + (2 * group + half) * 8 + place], sum);
          }
        }
      }
    ASSERT_EQ(codes[384 + 64 + 8], 0x5a); // row 7 does not exist
  }
}

/// With joined halves codes are the same at other places (dialects/MPGEMM/ActivationLayout.h), scales and sums are the
/// same.
TEST_P(QuantizeTest, JoinsHalves) {
  auto target = TargetInfo::get(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  constexpr int64_t m = 3, k = 96;
  std::mt19937 random(11);
  auto bytes = std::make_shared<Bytes>(m * k * 4);
  for (int64_t i = 0; i < m * k; ++i) {
    float value = std::uniform_real_distribution<float>(-3, 3)(random);
    std::memcpy(bytes->data() + 4 * i, &value, 4);
  }
  KernelProgram program;
  std::vector<Call> calls; // a plain one, and the same with joined halves
  for (int64_t group : {32, 96})
    for (bool joins : {false, true}) {
      std::string name = "quantize_" + std::to_string(group) + (joins ? "_joined" : "");
      std::string scales = "memref<3x" + std::to_string(96 / group) + "xf32>";
      program.add("func.func @" + name + "(%x: memref<3x96xf32>, %c: memref<3x96xi8>, %s: " + scales +
                  ", %t: memref<3x6xi32>, %n: index, %tid: index, %nth: index) {\n  mpgemm.quantize %x, %n into %c, "
                  "%s, %t {group = " +
                  std::to_string(group) + " : i64, sum_group = 16 : i64" + (joins ? ", joins_halves" : "") +
                  "} : (memref<3x96xf32>, index, memref<3x96xi8>, " + scales +
                  ", memref<3x6xi32>) -> ()\n  return\n}\n");
      calls.push_back({name, {bytes, filled(m * k), filled(m * k / group * 4), filled(m * 6 * 4)}, m, 2});
    }
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");
  for (size_t call = 0; call < calls.size(); call += 2) {
    const auto &plain = calls[call].buffers, &joined = calls[call + 1].buffers;
    for (int64_t span = 0; span < m * k; span += 32)
      for (int64_t i = 0; i < 32; ++i) // of four: two of the first half, two of the second
        EXPECT_EQ((*joined[1])[span + i], (*plain[1])[span + i / 4 * 2 + i % 2 + i / 2 % 2 * 16])
            << calls[call].function << ", byte " << span + i;
    EXPECT_EQ(*joined[2], *plain[2]);
    EXPECT_EQ(*joined[3], *plain[3]);
  }
}

/// Rows of 576 columns with one scale: the largest number becomes 127, codes are nearest-even, sums are exact.
TEST_P(QuantizeTest, RowsWithOneScaleAreTheDefinition) {
  auto target = TargetInfo::get(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  std::mt19937 random(8);
  std::vector<float> x(kM * kK);
  for (size_t i = 0; i < x.size(); ++i) // a row of zeros, one of denormals, one of ties, others
    x[i] = i / kK == 1 ? 0 : std::uniform_real_distribution<float>(-2, 2)(random) * (i / kK == 2 ? 1e-41f : 1);
  for (int64_t i = 0; i < kK; ++i)
    x[3 * kK + i] = i == 500 ? -127 : float(int(random() % 253) - 126) / 2;
  auto bytes = std::make_shared<Bytes>(x.size() * 4);
  std::memcpy(bytes->data(), x.data(), bytes->size());
  KernelProgram program;
  program.add("func.func @rows(%x: memref<9x576xf32>, %c: memref<9x576xi8>, %s: memref<9x1xf32>, %t: memref<9x36xi32>, "
              "%n: index, %tid: index, %nth: index) {\n  mpgemm.quantize %x, %n into %c, %s, %t {group = 576 : i64, "
              "sum_group = 16 : i64} : (memref<9x576xf32>, index, memref<9x576xi8>, memref<9x1xf32>, memref<9x36xi32>) "
              "-> ()\n  return\n}\n");
  std::vector<Call> calls;
  for (int64_t valid : {1, 8})
    for (int32_t threads : {1, 3})
      calls.push_back({"rows", {bytes, filled(kM * kK), filled(kM * 4), filled(kM * 36 * 4)}, valid, threads});
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");
  for (const Call &call : calls) {
    auto codes = reinterpret_cast<const int8_t *>(call.buffers[1]->data());
    auto scales = reinterpret_cast<const float *>(call.buffers[2]->data());
    auto sums = reinterpret_cast<const int32_t *>(call.buffers[3]->data());
    for (int64_t m = 0; m < call.n; ++m) {
      float largest = 0;
      for (int64_t i = 0; i < kK; ++i)
        largest = std::max(largest, std::fabs(x[m * kK + i]));
      float scale = largest / 127;
      ASSERT_TRUE(sameFloat(scales[m], scale)) << "row " << m;
      int32_t sum = 0;
      for (int64_t i = 0; i < kK; ++i) {
        float code = std::nearbyint(x[m * kK + i] / (scale == 0 ? 1 : scale));
        ASSERT_EQ(int(codes[m * kK + i]), int(std::clamp(code, -127.0f, 127.0f))) << "row " << m << ", column " << i;
        sum = (i % 16 ? sum : 0) + codes[m * kK + i];
        if (i % 16 == 15)
          ASSERT_EQ(sums[m * 36 + i / 16], sum) << "row " << m << ", column " << i;
      }
    }
    ASSERT_EQ(codes[call.n * kK], 0x5a); // rows at and after n are untouched
  }
}

/// Numbers rounded to f16 and bf16, with ties, denormals, infinities and what overflows.
TEST_P(QuantizeTest, RoundsToFloatTypes) {
  auto target = TargetInfo::get(GetParam().triple, GetParam().cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  constexpr int64_t m = 3, k = 45;
  std::mt19937 random(9);
  std::vector<float> x;
  for (int64_t i = 0; i < m * k; ++i) {
    uint32_t bits = random();
    float any = std::bit_cast<float>(bits), half = halfToFloat(uint16_t(bits)), tie = std::bit_cast<float>(bits << 15);
    float choices[] = {any, half, half * 1.00048828125f, tie, INFINITY, -65519.9f, 65520.0f, -0.0f};
    x.push_back(choices[i % 8]);
  }
  auto bytes = std::make_shared<Bytes>(x.size() * 4);
  std::memcpy(bytes->data(), x.data(), bytes->size());
  KernelProgram program;
  std::vector<Call> calls;
  for (const char *type : {"f16", "bf16"}) {
    program.add("func.func @round_" + std::string(type) + "(%x: memref<3x45xf32>, %y: memref<3x45xf32>, %n: index, "
                "%tid: index, %nth: index) {\n  mpgemm.round %x, %n into %y {type = " + type +
                "} : (memref<3x45xf32>, index, memref<3x45xf32>) -> ()\n  return\n}\n");
    calls.push_back({"round_" + std::string(type), {bytes, filled(x.size() * 4)}, 2, 2});
  }
  ASSERT_EQ(program.compile(*target), "");
  if (std::string why = whyNotRunnable(*target); !why.empty())
    GTEST_SKIP() << "UNSUPPORTED: compiled, but not run: " << why;
  ASSERT_EQ(program.run(calls), "");
  for (const Call &call : calls) {
    auto y = reinterpret_cast<const float *>(call.buffers[1]->data());
    FloatKind kind = call.function == "round_f16" ? FloatKind::F16 : FloatKind::BF16;
    for (int64_t i = 0; i < 2 * k; ++i)
      ASSERT_TRUE(sameFloat(y[i], toFloat(kind, bitsOfNearest(kind, x[i])))) << call.function << " of " << x[i];
    ASSERT_EQ(std::bit_cast<uint32_t>(y[2 * k]), 0x5a5a5a5au);
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, QuantizeTest,
                         testing::Values(Machine{"x86_64-linux-gnu", "x86-64", false},
                                         Machine{"x86_64-linux-gnu", "haswell", true},
                                         Machine{"x86_64-linux-gnu", "icelake-server", true},
                                         Machine{"aarch64-linux-gnu", "cortex-a76", true}),
                         [](const testing::TestParamInfo<Machine> &info) {
                           std::string name = info.param.cpu;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace
} // namespace nibble::test
