//===- RowKernelBranchesTest.cpp - Norms of heads, residuals, logits -------===//
//
// What families add to the operations on rows: norms of each head, norms that add a
// residual, layer norms, weighted residuals, scaled and capped logits, the squared ReLU.
// Against the oracle in double, with ragged widths, and the same bits for every number
// of threads.
//
//===----------------------------------------------------------------------===//

#include "test/Kernels/RowKernelOracle.h"
#include "test/Kernels/RowKernelTest.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace nibble::test {
namespace {

using llvm::formatv;

constexpr unsigned kSeed = 3202;
constexpr int64_t kRows = 5, kValid = 3;

class RowKernelBranches : public RowKernelTest {
protected:
  RowKernelBranches() : RowKernelTest(kSeed) {}

  /// Calls the operation for 1, 2 and 3 threads and expects `oracle` of each valid row, and equal bits.
  void check(const std::string &where, const std::string &op, std::vector<std::string> types,
             std::vector<Buffer> buffers, int64_t width, std::function<Doubles(int64_t m)> oracle, double bound) {
    std::vector<Matrix> results;
    for (int threads : {1, 2, 3}) {
      Matrix y(kRows, width, width + 5);
      std::vector<std::string> all = types;
      all.push_back(y.type());
      std::vector<Buffer> given = buffers;
      given.push_back(y.data);
      session.call(session.define(all, op + y.type() + ") -> ()"), given, {.n = kValid, .threads = threads});
      results.push_back(y);
    }
    session.expect([=] {
      for (const Matrix &y : results)
        EXPECT_TRUE(y.untouchedAfter(kValid)) << where;
      for (int64_t m = 0; m < kValid; ++m) {
        EXPECT_LE(normalizedError(results[0].values(m), oracle(m)), bound) << where << ", row " << m;
        EXPECT_TRUE(results[1].sameRow(m, results[0], m)) << where << ", 2 threads";
        EXPECT_TRUE(results[2].sameRow(m, results[0], m)) << where << ", 3 threads";
      }
    });
  }
};

/// Applies a norm to each head of a row.
Doubles byHeads(const Doubles &row, size_t width, std::function<Doubles(const Doubles &)> norm) {
  Doubles result;
  for (size_t first = 0; first < row.size(); first += width)
    for (double value : norm(Doubles(row.begin() + first, row.begin() + first + width)))
      result.push_back(value);
  return result;
}

TEST_P(RowKernelBranches, NormOfHeadsAndResidual) {
  for (auto [heads, width] : {std::pair(1, 20), {3, 16}, {2, 100}, {5, 7}}) {
    int64_t all = heads * width;
    Matrix x = Matrix::random(kRows, all, all + 3, engine), w = Matrix::random(1, width, width, engine),
           r = Matrix::random(kRows, all, all + 1, engine);
    std::string weight = formatv("memref<{0}xf32>", width);
    auto norm = [=](int64_t m) {
      return byHeads(x.values(m), width, [&](const Doubles &head) { return oracleRMSNorm(head, w.values(0), 1e-5); });
    };
    std::string where = formatv("{0} heads of {1}", heads, width);
    check(where, formatv("lm.rms_norm %b0, %b1, %n into %b2 {{epsilon = 1.0e-05 : f64} : ({0}, {1}, index, ", x.type(),
                         weight),
          {x.type(), weight}, {x.data, w.data}, all, norm, 1e-12);
    auto sum = [=](int64_t m) {
      Doubles y = norm(m), residual = r.values(m);
      for (size_t i = 0; i < y.size(); ++i)
        y[i] += residual[i];
      return y;
    };
    check(where + ", residual",
          formatv("lm.rms_norm %b0, %b1, %n residual %b2 into %b3 {{epsilon = 1.0e-05 : f64} : ({0}, {1}, index, {2}, ",
                  x.type(), weight, r.type()),
          {x.type(), weight, r.type()}, {x.data, w.data, r.data}, all, sum, 1e-12);
  }
  session.run(target);
}

/// The rows stand off zero, so that the mean matters.
TEST_P(RowKernelBranches, LayerNorm) {
  for (auto [heads, width] : {std::pair(1, 1), {1, 20}, {1, 576}, {3, 24}}) {
    int64_t all = heads * width;
    Matrix x = Matrix::random(kRows, all, all + 3, engine), w = Matrix::random(1, width, width, engine),
           b = Matrix::random(1, width, width, engine);
    for (int64_t m = 0; m < kRows; ++m)
      for (int64_t i = 0; i < all; ++i)
        x.row(m)[i] += 4;
    std::string vector = formatv("memref<{0}xf32>", width);
    auto norm = [=](int64_t m, bool biased) {
      return byHeads(x.values(m), width, [&](const Doubles &head) {
        return oracleLayerNorm(head, w.values(0), biased ? b.values(0) : Doubles(width, 0.0), 1e-5);
      });
    };
    std::string where = formatv("{0} heads of {1}", heads, width);
    // A row of one value is its own mean.
    check(where, formatv("lm.layer_norm %b0, %b1, %n into %b2 {{epsilon = 1.0e-05 : f64} : ({0}, {1}, index, ",
                         x.type(), vector),
          {x.type(), vector}, {x.data, w.data}, all, [=](int64_t m) { return norm(m, false); }, 1e-12);
    check(where + ", bias",
          formatv("lm.layer_norm %b0, %b1 bias %b2, %n into %b3 {{epsilon = 1.0e-05 : f64} : ({0}, {1}, {1}, index, ",
                  x.type(), vector),
          {x.type(), vector, vector}, {x.data, w.data, b.data}, all, [=](int64_t m) { return norm(m, true); }, 1e-12);
  }
  session.run(target);
}

TEST_P(RowKernelBranches, Residual) {
  for (int64_t width : {1, 31, 64, 100}) {
    Matrix x = Matrix::random(kRows, width, width + 3, engine), b = Matrix::random(kRows, width, width, engine);
    auto expected = [=](int64_t m) {
      Doubles y = x.values(m), branch = b.values(m);
      for (size_t i = 0; i < y.size(); ++i)
        y[i] += 0.22 * branch[i];
      return y;
    };
    check(formatv("width {0}", width),
          formatv("lm.residual %b0, %b1, %n into %b2 {{scale = 0.22 : f64} : ({0}, {1}, index, ", x.type(), b.type()),
          {x.type(), b.type()}, {x.data, b.data}, width, expected, 1e-13);
  }
  session.run(target);
}

TEST_P(RowKernelBranches, Logits) {
  struct Case {
    double scale, cap;
  };
  for (Case c : {Case{0.125, 0}, {1, 3}, {0.5, 30}})
    for (int64_t width : {5, 96, 100}) {
      Matrix x = Matrix::random(kRows, width, width + 3, engine, 40);
      auto expected = [=](int64_t m) {
        Doubles y = x.values(m);
        for (double &value : y)
          value = c.cap == 0 ? c.scale * value : c.cap * std::tanh(c.scale * value / c.cap);
        return y;
      };
      std::string attributes = formatv("scale = {0:e} : f64", c.scale);
      if (c.cap != 0)
        attributes += formatv(", softcap = {0:e} : f64", c.cap);
      check(formatv("width {0}, {1}", width, attributes),
            formatv("lm.logits %b0, %n into %b1 {{{0}} : ({1}, index, ", attributes, x.type()), {x.type()}, {x.data},
            width, expected, 1e-12);
    }
  session.run(target);
}

TEST_P(RowKernelBranches, Reorder) {
  for (int64_t width : {1, 31, 64, 100}) {
    Matrix x = Matrix::random(kRows, width, width + 3, engine), order(1, width, width);
    std::vector<int32_t> places(width);
    std::iota(places.begin(), places.end(), 0);
    std::shuffle(places.begin(), places.end(), engine);
    std::memcpy(order.row(0), places.data(), width * sizeof(int32_t));
    auto expected = [=](int64_t m) {
      Doubles from = x.values(m), y;
      for (int32_t place : places)
        y.push_back(from[place]);
      return y;
    };
    std::string numbers = formatv("memref<{0}xi32>", width);
    check(formatv("width {0}", width),
          formatv("lm.reorder %b0, %b1, %n into %b2 : ({0}, {1}, index, ", x.type(), numbers), {x.type(), numbers},
          {x.data, order.data}, width, expected, 0);
  }
  session.run(target);
}

TEST_P(RowKernelBranches, SquaredReLU) {
  for (int64_t width : {3, 32, 77}) {
    Matrix gate = Matrix::random(kRows, width, width, engine, 3), up = Matrix::random(kRows, width, width, engine);
    auto expected = [=](int64_t m) {
      Doubles y = up.values(m), x = gate.values(m);
      for (size_t i = 0; i < y.size(); ++i)
        y[i] *= x[i] > 0 ? x[i] * x[i] : 0;
      return y;
    };
    check(formatv("width {0}", width),
          formatv("lm.glu %b0, %b1, %n into %b2 {{activation = #lm.activation<relu2>} : ({0}, {1}, index, ",
                  gate.type(), up.type()),
          {gate.type(), up.type()}, {gate.data, up.data}, width, expected, 1e-13);
  }
  session.run(target);
}

/// Rows at positions 0 and 1 look back at zeros only, those at 30 at what the history holds.
TEST_P(RowKernelBranches, ShortConv) {
  constexpr int64_t positions = 40, layer = 1;
  for (auto [channels, taps] : {std::pair(5, 3), {64, 3}, {77, 4}})
    for (int64_t pos : {0, 1, 30}) {
      Matrix bcx = Matrix::random(kRows, 3 * channels, 3 * channels + 1, engine),
             w = Matrix::random(channels, taps, taps, engine),
             past = Matrix::random(2 * positions, channels, channels, engine);
      std::string weight = formatv("memref<{0}x{1}xf32>", channels, taps),
                  history = formatv("memref<2x{0}x{1}xf32>", positions, channels);
      std::vector<Matrix> results;
      for (int threads : {1, 2, 3}) {
        Matrix y(kRows, channels, channels + 2), own = past.copy();
        std::string op = formatv("lm.short_conv %b0, %b1, %b2 at (%layer, %pos, %n) into %b3 : ({0}, {1}, {2}, index, "
                                 "index, index, {3}) -> ()",
                                 bcx.type(), weight, history, y.type());
        session.call(session.define({bcx.type(), weight, history, y.type()}, op), {bcx.data, w.data, own.data, y.data},
                     {.layer = layer, .pos = pos, .n = kValid, .threads = threads});
        results.push_back(y);
      }
      session.expect([=, channels = channels, taps = taps] {
        std::string where = formatv("{0} channels, {1} taps, at {2}", channels, taps, pos);
        for (int64_t m = 0; m < kValid; ++m) {
          Doubles expected(channels, 0.0);
          for (int64_t d = 0; d < channels; ++d)
            for (int64_t back = 0; back < taps && back <= pos + m; ++back) {
              const float *row = back <= m ? bcx.row(m - back) + d : nullptr;
              double u = row ? double(row[0]) * row[2 * channels]
                             : past.row(layer * positions + pos + m - back)[d];
              expected[d] += bcx.row(m)[channels + d] * u * w.row(d)[taps - 1 - back];
            }
          EXPECT_LE(normalizedError(results[0].values(m), expected), 1e-12) << where << ", row " << m;
          EXPECT_TRUE(results[1].sameRow(m, results[0], m)) << where;
          EXPECT_TRUE(results[2].sameRow(m, results[0], m)) << where;
        }
        EXPECT_TRUE(results[0].untouchedAfter(kValid)) << where;
      });
    }
  session.run(target);
}

INSTANTIATE_TEST_SUITE_P(Targets, RowKernelBranches, rowKernelMachines());

} // namespace
} // namespace nibble::test
