//===- RowKernelAttentionTest.cpp - Values of the cache's kernels ---------===//
//
// lm.kv_append bit by bit, lm.attention against the oracle in double: dimensions of a
// head with and without full vectors, groups of heads, positions on both sides of the
// borders of blocks, caches that hold NaN wherever nothing may look, and the same bits
// for every number of rows and threads.
//
//===----------------------------------------------------------------------===//

#include "test/Kernels/RowKernelOracle.h"
#include "test/Kernels/RowKernelSession.h"

#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

#include <cstring>

namespace nibble::test {
namespace {

using llvm::formatv;

constexpr unsigned kSeed = 4711;
constexpr int64_t kRows = 5, kValid = 3, kLayers = 2, kLayer = 1, kContext = 512, kBlock = 16;

struct Shape {
  int64_t heads, kvHeads, headDim;
  bool half;
  int64_t window = 0;
  double softcap = 0;

  std::string name() const {
    return formatv("{0} heads, {1} cached, of {2}, {3}, window {4}, cap {5}", heads, kvHeads, headDim,
                   half ? "f16" : "f32", window, softcap);
  }
  /// What lm.attention has beside heads and scale.
  std::string attributes() const {
    return (window ? formatv(", window = {0} : i64", window).str() : "") +
           (softcap != 0 ? formatv(", softcap = {0:e} : f64", softcap).str() : "");
  }
  std::string cacheType() const {
    return formatv("memref<{0}x{1}x{2}x{3}x{4}>", kLayers, kvHeads, kContext, headDim, half ? "f16" : "f32");
  }
  int64_t elements() const { return kLayers * kvHeads * kContext * headDim; }
  int64_t base(int64_t layer, int64_t head) const { return (layer * kvHeads + head) * kContext * headDim; }
  /// Place of one element of a key in a cache.
  int64_t keyIndex(int64_t layer, int64_t head, int64_t position, int64_t d) const {
    return base(layer, head) + (position / kBlock * headDim + d) * kBlock + position % kBlock;
  }
  int64_t valueIndex(int64_t layer, int64_t head, int64_t position, int64_t d) const {
    return base(layer, head) + position * headDim + d;
  }

  double get(const Buffer &cache, int64_t index) const {
    return half ? double(as<_Float16>(cache)[index]) : double(as<float>(cache)[index]);
  }
  void set(const Buffer &cache, int64_t index, float value) const {
    if (half)
      as<_Float16>(cache)[index] = value;
    else
      as<float>(cache)[index] = value;
  }
  Buffer makeCache(float fill) const {
    auto cache = std::make_shared<Bytes>(elements() * (half ? 2 : 4));
    for (int64_t i = 0; i < elements(); ++i)
      set(cache, i, fill);
    return cache;
  }
};

class RowKernelAttention : public testing::TestWithParam<size_t> {
protected:
  TargetInfo target = rowKernelTargets()[GetParam()];
  std::mt19937 engine{kSeed};
  testing::ScopedTrace trace{__FILE__, __LINE__, target.triple + " " + target.cpu + ", seed " + std::to_string(kSeed)};
  Session session;
};

TEST_P(RowKernelAttention, KVAppendWritesOnlyTheValidRows) {
  for (Shape shape : {Shape{2, 2, 8, true}, {3, 3, 20, false}, {1, 1, 64, true}, {2, 2, 80, true}, {1, 1, 5, false}}) {
    int64_t width = shape.kvHeads * shape.headDim;
    Matrix k = Matrix::random(kRows, width, 3 * width, engine, 100),
           v = Matrix::random(kRows, width, 2 * width, engine);
    std::string function =
        session.define({k.type(), v.type(), shape.cacheType(), shape.cacheType()},
                       formatv("lm.kv_append %b0, %b1 into %b2, %b3 at (%layer, %pos, %n) : {0}, {1}, {2}, {2}",
                               k.type(), v.type(), shape.cacheType()));
    for (int64_t pos : {0, 14, 15, 16, 31, 500})
      for (int threads : {1, 2, 3}) {
        Buffer keys = shape.makeCache(kUntouched), values = shape.makeCache(kUntouched);
        Buffer wantedKeys = shape.makeCache(kUntouched), wantedValues = shape.makeCache(kUntouched);
        for (int64_t m = 0; m < kValid; ++m)
          for (int64_t c = 0; c < width; ++c) {
            int64_t head = c / shape.headDim, d = c % shape.headDim;
            shape.set(wantedKeys, shape.keyIndex(kLayer, head, pos + m, d), k.row(m)[c]);
            shape.set(wantedValues, shape.valueIndex(kLayer, head, pos + m, d), v.row(m)[c]);
          }
        session.call(function, {k.data, v.data, keys, values},
                     {.layer = kLayer, .pos = pos, .n = kValid, .threads = threads});
        session.expect([=] {
          EXPECT_TRUE(*keys == *wantedKeys) << shape.name() << " at " << pos;
          EXPECT_TRUE(*values == *wantedValues) << shape.name() << " at " << pos;
        });
      }
  }
  session.run(target);
}

/// A cache whose first `positions` positions of kLayer hold random numbers and all others NaN.
struct Cache {
  Buffer keys, values;

  Cache(const Shape &shape, int64_t positions, std::mt19937 &engine)
      : keys(shape.makeCache(NAN)), values(shape.makeCache(NAN)) {
    std::uniform_real_distribution<float> numbers(-2.0f, 2.0f);
    for (int64_t head = 0; head < shape.kvHeads; ++head)
      for (int64_t p = 0; p < positions; ++p)
        for (int64_t d = 0; d < shape.headDim; ++d) {
          shape.set(keys, shape.keyIndex(kLayer, head, p, d), numbers(engine));
          shape.set(values, shape.valueIndex(kLayer, head, p, d), numbers(engine));
        }
  }
};

Doubles expectedHead(const Shape &shape, const Cache &cache, const Matrix &q, int64_t m, int64_t head,
                     int64_t positions, double scale) {
  int64_t kvHead = head / (shape.heads / shape.kvHeads);
  int64_t begin = shape.window ? std::max<int64_t>(0, positions - shape.window) : 0;
  std::vector<Doubles> keys(positions - begin), values(positions - begin);
  for (int64_t p = begin; p < positions; ++p)
    for (int64_t d = 0; d < shape.headDim; ++d) {
      keys[p - begin].push_back(shape.get(cache.keys, shape.keyIndex(kLayer, kvHead, p, d)));
      values[p - begin].push_back(shape.get(cache.values, shape.valueIndex(kLayer, kvHead, p, d)));
    }
  return oracleAttention(q.values(m, head * shape.headDim, shape.headDim), keys, values, scale, shape.softcap);
}

TEST_P(RowKernelAttention, AttentionAgreesWithTheOracle) {
  constexpr double kScale = 0.25;
  for (Shape shape : {Shape{2, 2, 8, true},
                      {4, 2, 20, false},
                      {3, 1, 64, true},
                      {9, 3, 64, true},
                      {7, 1, 96, true},
                      {6, 1, 80, true},
                      {1, 1, 128, false},
                      {2, 1, 5, true},
                      {4, 2, 16, true, 1},
                      {3, 1, 32, true, 16},
                      {2, 2, 64, false, 21, 0.5},
                      {4, 1, 24, true, 0, 2}}) {
    int64_t width = shape.heads * shape.headDim;
    Matrix q = Matrix::random(kRows, width, width + 9, engine, 2);
    // With y = q in place: a head that two threads computed would see its own result as query.
    auto attend = [&](const Matrix &q, const Matrix &y, const Cache &cache, Position position) {
      bool inPlace = q.data == y.data;
      std::string op =
          formatv("lm.attention %b0, %b1, %b2 at (%layer, %pos, %n) into {6} {{heads = {0} : i64, kv_heads "
                  "= {1} : i64, scale = {2} : f64{7}} : ({3}, {4}, {4}, index, index, index, {5}) -> ()",
                  shape.heads, shape.kvHeads, formatv("{0:e}", kScale), q.type(), shape.cacheType(), y.type(),
                  inPlace ? "%b0" : "%b3", shape.attributes());
      std::vector<std::string> types = {q.type(), shape.cacheType(), shape.cacheType()};
      std::vector<Buffer> buffers = {q.data, cache.keys, cache.values};
      if (!inPlace) {
        types.push_back(y.type());
        buffers.push_back(y.data);
      }
      session.call(session.define(types, op), buffers, position);
    };
    for (int64_t pos : {0, 12, 13, 15, 16, 17, 31, 500}) {
      Cache cache(shape, pos + kValid, engine);
      std::vector<Matrix> results, inPlace;
      for (int threads : {1, 2, 3, 4}) {
        Position position = {.layer = kLayer, .pos = pos, .n = kValid, .threads = threads};
        results.emplace_back(kRows, width, width + 2);
        attend(q, results.back(), cache, position);
        inPlace.push_back(q.copy());
        attend(inPlace.back(), inPlace.back(), cache, position);
      }
      for (int64_t m = 0; m < kValid; ++m) {
        Matrix alone(1, width, width);
        attend(q.only(m), alone, cache, {.layer = kLayer, .pos = pos + m, .n = 1, .threads = int(m + 1)});
        session.expect([=] {
          for (const Matrix &y : results) {
            EXPECT_TRUE(y.untouchedAfter(kValid)) << shape.name();
            EXPECT_TRUE(y.sameRow(m, alone, 0)) << shape.name() << " at " << pos + m;
          }
          for (const Matrix &y : inPlace)
            EXPECT_TRUE(y.sameRow(m, alone, 0)) << shape.name() << " at " << pos + m << ", in place";
          for (int64_t head = 0; head < shape.heads; ++head) {
            Doubles wanted = expectedHead(shape, cache, q, m, head, pos + m + 1, kScale);
            EXPECT_LE(normalizedError(alone.values(0, head * shape.headDim, shape.headDim), wanted), 1e-11)
                << shape.name() << " at " << pos + m;
          }
        });
      }
    }
  }
  session.run(target);
}

/// One position far above the others: weights of exactly zero, and scores beyond the range of exp.
TEST_P(RowKernelAttention, LargeScoresNeitherOverflowNorVanish) {
  Shape shape{1, 1, 16, false};
  constexpr int64_t kPositions = 40, kLargest = 20;
  Cache cache(shape, kPositions, engine);
  Matrix q = Matrix::random(1, 16, 16, engine), y(1, 16, 16);
  for (int64_t d = 0; d < 16; ++d)
    shape.set(cache.keys, shape.keyIndex(kLayer, 0, kLargest, d), 1000 * q.row(0)[d]);
  session.call(
      session.define({q.type(), shape.cacheType(), shape.cacheType(), y.type()},
                     formatv("lm.attention %b0, %b1, %b2 at (%layer, %pos, %n) into %b3 {{heads = 1 : i64, "
                             "kv_heads = 1 : i64, scale = 1.0 : f64} : ({0}, {1}, {1}, index, index, index, {0}) -> ()",
                             q.type(), shape.cacheType())),
      {q.data, cache.keys, cache.values, y.data}, {.layer = kLayer, .pos = kPositions - 1, .n = 1});
  session.expect([=] {
    for (int64_t d = 0; d < 16; ++d)
      EXPECT_EQ(y.row(0)[d], shape.get(cache.values, shape.valueIndex(kLayer, 0, kLargest, d)));
  });
  session.run(target);
}

INSTANTIATE_TEST_SUITE_P(Targets, RowKernelAttention, testing::Range<size_t>(0, rowKernelTargets().size()));

} // namespace
} // namespace nibble::test
