//===- RowKernelAttentionTest.cpp - Values of attention --------------------===//
//
// lm.attention against the oracle in double: types of caches, dimensions of a head with
// and without full vectors, groups of heads, windows, rings and caps, positions on both
// sides of the borders of blocks and chunks, caches that hold NaN wherever nothing may
// look, and the same bits for every number of rows and threads, and in records.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/QuantizedCache.h"
#include "test/Kernels/AttentionCache.h"
#include "test/Kernels/RowKernelTest.h"

#include <cstring>

namespace nibble::test {
namespace {

using llvm::formatv;

constexpr unsigned kSeed = 4711;
constexpr int64_t kRows = 9, kValid = 7;
constexpr double kScale = 0.25;

const Element f32{"f32"}, f16{"f16"}, q8{"q8"}, q4{"q4"}, plain{"q4_plain"};

/// The first ones are taken on every machine.
const Shape kShapes[] = {
    {9, 3, 64, f16, f16},
    {9, 3, 64, q8, q8},
    {4, 1, 80, q4, q4},
    {4, 2, 16, f16, q8, 40, 0, 64},
    {3, 1, 32, q8, q4, 133, 2, 144},
    // From here on: here only.
    {2, 2, 8, f16, f16},
    {4, 2, 20, f32, f32},
    {7, 1, 96, f16, f16, 16},
    {1, 1, 128, f32, f32, 0, 2},
    {2, 1, 5, f16, f16, 21, 0.5},
    {2, 2, 16, q8, q8, 1},
    {8, 1, 16, plain, f32},
    {3, 3, 96, q8, q8},
    {14, 2, 64, q4, q8},
    {2, 1, 128, q8, q8, 0, 2},
    {2, 1, 256, q8, plain, 24, 0, 32},
    {1, 1, 256, q4, q4},
};
constexpr size_t kShapesEverywhere = 5;

class RowKernelAttention : public RowKernelTest {
protected:
  RowKernelAttention() : RowKernelTest(kSeed) {}

  void attend(const Shape &shape, const Matrix &q, const Matrix &y, const Cache &keys, const Cache &values,
              Position position);
  Matrix attendInRecords(const Shape &shape, const Matrix &q, const Cache &keys, const Cache &values,
                         Position position);
  void check(const Shape &shape, int64_t pos);
};

std::string headsOf(const Shape &shape) {
  return formatv("{{heads = {0} : i64, kv_heads = {1} : i64, scale = {2:e} : f64{3}}", shape.heads, shape.kvHeads,
                 kScale, shape.attributes());
}

/// With y = q in place: a head that two threads computed would see its own result as query.
void RowKernelAttention::attend(const Shape &shape, const Matrix &q, const Matrix &y, const Cache &keys,
                                const Cache &values, Position position) {
  bool inPlace = q.data == y.data;
  std::string op = formatv("lm.attention %b0, %keys, %values at (%layer, %pos, %n) into {0} {1} : ({2}, {3}, {4}, "
                           "index, index, index, {5}) -> ()",
                           inPlace ? "%b0" : "%b3", headsOf(shape), q.type(), keys.type(), values.type(), y.type());
  std::vector<std::string> types = {q.type(), keys.memoryType(), values.memoryType()};
  std::vector<Buffer> buffers = {q.data, keys.data, values.data};
  if (!inPlace) {
    types.push_back(y.type());
    buffers.push_back(y.data);
  }
  session.call(session.define(types, viewsOf(keys, values, 1) + op), buffers, position);
}

Matrix RowKernelAttention::attendInRecords(const Shape &shape, const Matrix &q, const Cache &keys,
                                           const Cache &values, Position position) {
  int64_t chunks = (shape.positions + lm::kAttentionChunk - 1) / lm::kAttentionChunk;
  if (shape.window)
    chunks = (std::min(shape.window, shape.positions) + 2 * lm::kAttentionChunk - 2) / lm::kAttentionChunk;
  std::string records = formatv("memref<{0}x{1}x{2}xf32>", chunks, shape.heads, shape.headDim + 2);
  auto memory = bufferOf(std::vector<float>(chunks * shape.heads * (shape.headDim + 2), NAN));
  Matrix y(1, q.width, q.width);
  std::string first = formatv("lm.attention_partials %b0, %keys, %values at (%layer, %pos) into %b3 {0} : ({1}, {2}, "
                              "{3}, index, index, {4}) -> ()",
                              headsOf(shape), q.type(), keys.type(), values.type(), records);
  session.call(session.define({q.type(), keys.memoryType(), values.memoryType(), records},
                              viewsOf(keys, values, 1) + first),
               {q.data, keys.data, values.data, memory}, position);
  std::string attributes = shape.window ? formatv("window = {0} : i64", shape.window).str() : "";
  if (shape.values.name == "q4")
    attributes += attributes.empty() ? "rotated" : ", rotated";
  session.call(session.define({records, y.type()},
                              formatv("lm.attention_combine %b0 at %pos into %b1 {{{0}} : ({1}, index, {2}) -> ()",
                                      attributes, records, y.type())),
               {memory, y.data}, position);
  return y;
}

Doubles expectedHead(const Shape &shape, const Cache &keys, const Cache &values, const Matrix &q, int64_t m,
                     int64_t head, int64_t end) {
  int64_t kvHead = head / (shape.heads / shape.kvHeads);
  std::vector<Doubles> k, v;
  for (int64_t p = shape.window ? std::max<int64_t>(0, end - shape.window) : 0; p < end; ++p) {
    k.push_back(keys.vector(kvHead, p));
    v.push_back(values.vector(kvHead, p));
  }
  Doubles query = q.values(m, head * shape.headDim, shape.headDim);
  if (auto format = shape.keys.format())
    query = reference::cacheQuery(query, *format);
  Doubles y = oracleAttention(query, k, v, kScale, shape.softcap);
  return shape.values.name == "q4" ? reference::rotateByHadamard(y) : y;
}

void RowKernelAttention::check(const Shape &shape, int64_t pos) {
  int64_t width = shape.heads * shape.headDim;
  Matrix q = Matrix::random(kRows, width, width + 9, engine, 2);
  // Bytes of 0x7f are NaN as f32 and as f16, the type of scales.
  Cache keys(shape, true, 0x7f), values(shape, false, 0x7f);
  int64_t begin = shape.window ? std::max<int64_t>(0, pos + 1 - shape.window) : 0;
  keys.randomize(begin, pos + kValid, engine);
  values.randomize(begin, pos + kValid, engine);
  std::vector<Matrix> results, inPlace;
  for (int threads : {1, 2, 3}) {
    Position position = {.layer = kLayer, .pos = pos, .n = kValid, .threads = threads};
    results.emplace_back(kRows, width, width + 2);
    attend(shape, q, results.back(), keys, values, position);
    inPlace.push_back(q.copy());
    attend(shape, inPlace.back(), inPlace.back(), keys, values, position);
  }
  // A query of 8 bits whose rotation was rounded to f32 may have another code where the exact one is near a border.
  double bound = shape.keys.name == "q4" ? 1e-5 : 1e-11;
  for (int64_t m = 0; m < kValid; ++m) {
    Matrix only = q.only(m), alone(1, width, width);
    Position position = {.layer = kLayer, .pos = pos + m, .n = 1, .threads = int(m % 3 + 1)};
    attend(shape, only, alone, keys, values, position);
    Matrix joined = attendInRecords(shape, only, keys, values, position);
    session.expect([=] {
      for (const Matrix &y : results) {
        EXPECT_TRUE(y.untouchedAfter(kValid)) << shape.name();
        EXPECT_TRUE(y.sameRow(m, alone, 0)) << shape.name() << " at " << pos + m;
      }
      for (const Matrix &y : inPlace)
        EXPECT_TRUE(y.sameRow(m, alone, 0)) << shape.name() << " at " << pos + m << ", in place";
      EXPECT_TRUE(joined.sameRow(0, alone, 0)) << shape.name() << " at " << pos + m << ", in records";
      for (int64_t head = 0; head < shape.heads; ++head)
        EXPECT_LE(normalizedError(alone.values(0, head * shape.headDim, shape.headDim),
                                  expectedHead(shape, keys, values, q, m, head, pos + m + 1)),
                  bound)
            << shape.name() << " at " << pos + m;
    });
  }
}

TEST_P(RowKernelAttention, AgreesWithTheOracle) {
  llvm::ArrayRef<Shape> shapes(kShapes);
  for (const Shape &shape : isNative() ? shapes : shapes.take_front(kShapesEverywhere))
    for (int64_t pos : isNative() ? std::vector<int64_t>{0, 17, 122, 500} : std::vector<int64_t>{5, 250})
      check(shape, pos);
  session.run(target);
}

/// One position far above the others: weights of exactly zero, and scores beyond the range of exp.
TEST_P(RowKernelAttention, LargeScoresNeitherOverflowNorVanish) {
  Shape shape{1, 1, 16, f32, f32};
  constexpr int64_t kPositions = 40, kLargest = 20;
  Cache keys(shape, true, 0x7f), values(shape, false, 0x7f);
  keys.randomize(0, kPositions, engine);
  values.randomize(0, kPositions, engine);
  Matrix q = Matrix::random(1, 16, 16, engine), y(1, 16, 16);
  for (int64_t d = 0; d < 16; ++d)
    keys.setNumber(0, kLargest, d, 1000 * q.row(0)[d]);
  attend(shape, q, y, keys, values, {.layer = kLayer, .pos = kPositions - 1, .n = 1});
  session.expect([=] {
    for (int64_t d = 0; d < 16; ++d)
      EXPECT_EQ(y.row(0)[d], values.get(0, kLargest, d));
  });
  session.run(target);
}

INSTANTIATE_TEST_SUITE_P(Targets, RowKernelAttention, rowKernelMachines());

} // namespace
} // namespace nibble::test
