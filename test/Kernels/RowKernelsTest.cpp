//===- RowKernelsTest.cpp - Values of the kernels on rows -----------------===//
//
// Each operation on rows against the oracle in double, on every machine that can be
// run here: ragged widths, strides, rows past `n`, borders of blocks of positions, and
// the same bits for every number of rows and threads.
//
//===----------------------------------------------------------------------===//

#include "test/Kernels/RowKernelOracle.h"
#include "test/Kernels/RowKernelTest.h"

#include "llvm/Support/FormatVariadic.h"

#include <cstring>

namespace nibble::test {
namespace {

using llvm::formatv;
using Floats = std::vector<float>;

constexpr unsigned kSeed = 20240917;
/// Rows of the prefill form, and how many of them are valid.
constexpr int64_t kRows = 5, kValid = 3;

class RowKernels : public RowKernelTest {
protected:
  RowKernels() : RowKernelTest(kSeed) {}
};

//===--- rms_norm ----------------------------------------------------------===//

/// A weight of the given element type: its bytes, and its values.
struct Weight {
  std::vector<uint8_t> bytes;
  Doubles values;
};

Weight randomWeight(const std::string &type, int64_t width, std::mt19937 &engine) {
  Weight weight;
  std::uniform_real_distribution<float> values(0.5f, 2.0f);
  for (int64_t i = 0; i < width; ++i) {
    float value = values(engine);
    uint32_t bits;
    memcpy(&bits, &value, 4);
    _Float16 half = value;
    if (type == "bf16")
      bits &= 0xffff0000;
    if (type == "f16")
      value = half;
    else
      memcpy(&value, &bits, 4);
    weight.values.push_back(value);
    auto append = [&](const void *from, size_t size) {
      auto begin = static_cast<const uint8_t *>(from);
      weight.bytes.insert(weight.bytes.end(), begin, begin + size);
    };
    uint16_t upper = bits >> 16;
    if (type == "f32")
      append(&value, 4);
    else if (type == "f16")
      append(&half, 2);
    else
      append(&upper, 2);
  }
  return weight;
}

TEST_P(RowKernels, RMSNorm) {
  for (auto [width, type] : {std::pair(1, "f32"), {5, "f16"}, {20, "bf16"}, {64, "f32"}, {100, "f16"}, {576, "f32"}}) {
    std::string where = formatv("width {0}, weight {1}", width, type),
                weightType = formatv("memref<{0}x{1}>", width, type);
    Matrix x = Matrix::random(kRows, width, width + 3, engine);
    Weight weight = randomWeight(type, width, engine);
    Buffer weightBuffer = std::make_shared<Bytes>(weight.bytes);
    auto norm = [&](const Matrix &x, const Matrix &y, int64_t n, int threads) {
      std::string op =
          formatv("lm.rms_norm %b0, %b1, %n into %b2 {{epsilon = 1.0e-05 : f64} : ({0}, {1}, index, {2}) -> ()",
                  x.type(), weightType, y.type());
      session.call(session.define({x.type(), weightType, y.type()}, op), {x.data, weightBuffer, y.data},
                   {.n = n, .threads = threads});
    };
    for (int threads : {1, 2, 3}) {
      Matrix y(kRows, width, width + 7);
      norm(x, y, kValid, threads);
      // A row that two threads computed would be normed twice.
      Matrix inPlace = x.copy();
      session.call(
          session.define({x.type(), weightType}, formatv("lm.rms_norm %b0, %b1, %n into %b0 {{epsilon = 1.0e-05 : f64} "
                                                         ": ({0}, {1}, index, {0}) -> ()",
                                                         x.type(), weightType)),
          {inPlace.data, weightBuffer}, {.n = kValid, .threads = threads});
      session.expect([=] { EXPECT_TRUE(y.untouchedAfter(kValid)) << where; });
      for (int64_t m = 0; m < kValid; ++m) {
        Matrix alone(1, width, width);
        norm(x.only(m), alone, 1, threads);
        session.expect([=] {
          EXPECT_TRUE(y.sameRow(m, inPlace, m)) << where << ", threads " << threads;
          EXPECT_LE(normalizedError(y.values(m), oracleRMSNorm(x.values(m), weight.values, 1e-5)), 1e-12) << where;
          EXPECT_TRUE(y.sameRow(m, alone, 0)) << where << ", threads " << threads;
        });
      }
    }
  }
  session.run(target);
}

//===--- rope --------------------------------------------------------------===//

Floats ropeTable(int64_t context, int64_t pairs) {
  Floats table;
  for (int64_t row = 0; row < 64 + (context + 63) / 64; ++row)
    for (int64_t i = 0; i < pairs; ++i) {
      double angle = (row < 64 ? row : 64 * (row - 64)) * ropeTheta(i, pairs);
      table.push_back(std::cos(angle));
      table.push_back(std::sin(angle));
    }
  return table;
}

struct RopeCase {
  int64_t heads, headDim, pairs;
  bool interleaved;

  int64_t width() const { return heads * headDim; }
  std::string name() const {
    return formatv("{0} heads of {1}, {2} pairs, interleaved {3}", heads, headDim, pairs, interleaved);
  }
  std::string tableType(const Floats &table) const {
    return formatv("memref<{0}x{1}x2xf32>", table.size() / pairs / 2, pairs);
  }
  std::string op(const std::string &x, const std::string &table, const std::string &y, bool inPlace) const {
    return formatv("lm.rope %b0, %b1 at %pos, %n into {0} {{head_dim = {1} : i64, pairing = #lm.pairing<{2}>} "
                   ": ({3}, {4}, index, index, {5}) -> ()",
                   inPlace ? "%b0" : "%b2", headDim, interleaved ? "interleaved" : "halves", x, table, y);
  }
};

TEST_P(RowKernels, Rope) {
  for (RopeCase c : {RopeCase{2, 8, 4, true},
                     {3, 20, 6, false},
                     {1, 64, 32, true},
                     {2, 64, 32, false},
                     {2, 80, 40, false},
                     {1, 128, 64, true},
                     {1, 96, 16, true}}) {
    Floats table = ropeTable(512, c.pairs);
    Buffer tableBuffer = bufferOf(table);
    Matrix x = Matrix::random(kRows, c.width(), c.width() + 1, engine);
    std::string tableType = c.tableType(table);
    for (int64_t pos : {0, 15, 62, 64, 500})
      for (int threads : {1, 2, 3}) {
        Matrix y(kRows, c.width(), c.width() + 4);
        session.call(session.define({x.type(), tableType, y.type()}, c.op(x.type(), tableType, y.type(), false)),
                     {x.data, tableBuffer, y.data}, {.pos = pos, .n = kValid, .threads = threads});
        session.expect([=] { EXPECT_TRUE(y.untouchedAfter(kValid)) << c.name(); });
        for (int64_t m = 0; m < kValid; ++m) {
          Matrix alone = x.only(m), unused(1, 1, 1);
          session.call(session.define({alone.type(), tableType, unused.type()},
                                      c.op(alone.type(), tableType, alone.type(), true)),
                       {alone.data, tableBuffer, unused.data}, {.pos = pos + m, .n = 1, .threads = threads});
          session.expect([=] {
            EXPECT_TRUE(y.sameRow(m, alone, 0)) << c.name() << ", threads " << threads;
            for (int64_t first = 0; first < c.width(); first += c.headDim) {
              Doubles head = oracleRope(x.values(m, first, c.headDim), c.pairs, c.interleaved, pos + m);
              EXPECT_LE(normalizedError(y.values(m, first, c.headDim), head), 1e-12) << c.name() << " at " << pos + m;
            }
          });
        }
      }
  }
  session.run(target);
}

//===--- glu ---------------------------------------------------------------===//

TEST_P(RowKernels, Glu) {
  for (auto [width, activation] :
       {std::pair(1, "silu"), {31, "gelu"}, {32, "silu"}, {33, "gelu"}, {100, "silu"}, {256, "gelu"}, {1536, "silu"}}) {
    std::string where = formatv("width {0}, {1}", width, activation), name = activation;
    Matrix gate = Matrix::random(kRows, width, 2 * width, engine, 12);
    Matrix up = Matrix::random(kRows, width, 2 * width, engine, 3);
    gate.row(0)[width / 2] = width == 1 ? -20.0f : -100.0f;
    auto glu = [&](const Matrix &gate, const Matrix &up, const Matrix &y, int64_t n, int threads) {
      std::string op = formatv("lm.glu %b0, %b1, %n into %b2 {{activation = #lm.activation<{0}>} "
                               ": ({1}, {2}, index, {3}) -> ()",
                               name, gate.type(), up.type(), y.type());
      session.call(session.define({gate.type(), up.type(), y.type()}, op), {gate.data, up.data, y.data},
                   {.n = n, .threads = threads});
    };
    for (int threads : {1, 2, 3}) {
      Matrix y(kRows, width, width + 5);
      glu(gate, up, y, kValid, threads);
      // A column that two threads computed would go through the activation twice.
      Matrix inPlace = gate.copy();
      session.call(session.define({gate.type(), up.type()},
                                  formatv("lm.glu %b0, %b1, %n into %b0 {{activation = #lm.activation<{0}>} "
                                          ": ({1}, {2}, index, {1}) -> ()",
                                          name, gate.type(), up.type())),
                   {inPlace.data, up.data}, {.n = kValid, .threads = threads});
      session.expect([=] { EXPECT_TRUE(y.untouchedAfter(kValid)) << where; });
      for (int64_t m = 0; m < kValid; ++m) {
        Matrix alone(1, width, width);
        glu(gate.only(m), up.only(m), alone, 1, threads);
        Doubles expected;
        for (int64_t i = 0; i < width; ++i)
          expected.push_back((name == "silu" ? oracleSiLU : oracleGELU)(gate.row(m)[i]) * up.row(m)[i]);
        session.expect([=] {
          EXPECT_TRUE(y.sameRow(m, alone, 0)) << where << ", threads " << threads;
          EXPECT_TRUE(y.sameRow(m, inPlace, m)) << where << ", threads " << threads;
          EXPECT_LE(normalizedError(y.values(m), expected), 1e-11) << where;
          for (int64_t i = 0; i < width; ++i)
            // A sigmoid below exp(-87) = 1.6e-38 counts as 0.
            EXPECT_NEAR(y.row(m)[i], expected[i], std::fabs(expected[i]) * 2e-5 + 1e-36) << where;
        });
      }
    }
  }
  session.run(target);
}

//===--- state -------------------------------------------------------------===//

TEST_P(RowKernels, StateWriteAndRead) {
  for (int64_t width : {3, 16, 61})
    for (int threads : {1, 2, 3}) {
      Matrix x = Matrix::random(kRows, width, width + 2, engine), state(kRows, width, width);
      session.call(session.define({x.type(), state.type()},
                                  formatv("lm.state_write %b0, %n into %b1 : {0}, {1}", x.type(), state.type())),
                   {x.data, state.data}, {.n = kValid, .threads = threads});
      session.expect([=] { EXPECT_TRUE(state.untouchedAfter(kValid)) << width; });
      // One row of another state; %pos is the row.
      for (int64_t m = 0; m < kRows; ++m) {
        Matrix y(1, width, width);
        session.call(
            session.define({x.type(), y.type()},
                           formatv("lm.state_read %b0[%pos] into %b1 : ({0}, index, {1}) -> ()", x.type(), y.type())),
            {x.data, y.data}, {.pos = m, .n = 1, .threads = threads});
        session.expect([=] {
          EXPECT_TRUE(y.sameRow(0, x, m)) << width;
          if (m < kValid)
            EXPECT_TRUE(state.sameRow(m, x, m)) << width;
        });
      }
    }
  session.run(target);
}

INSTANTIATE_TEST_SUITE_P(Targets, RowKernels, rowKernelMachines());

} // namespace
} // namespace nibble::test
