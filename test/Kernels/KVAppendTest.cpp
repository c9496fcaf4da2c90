//===- KVAppendTest.cpp - what lm.kv_append stores -------------------------===//
//
// Caches of every type, byte by byte: what the oracle keeps of each vector is there,
// and nothing else has been written. Values whose scale overflows f16, vectors of
// zeros and subnormal numbers included.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/QuantizedCache.h"
#include "test/Kernels/AttentionCache.h"
#include "test/Kernels/RowKernelTest.h"

namespace nibble::test {
namespace {

using llvm::formatv;

constexpr unsigned kSeed = 815;
constexpr int64_t kRows = 5, kValid = 3;

class KVAppend : public RowKernelTest {
protected:
  KVAppend() : RowKernelTest(kSeed) {}

  void append(const Shape &shape, const Matrix &k, const Matrix &v, const Cache &keys, const Cache &values,
              Position position) {
    std::string op = formatv("lm.kv_append %b0, %b1 into %keys, %values at (%layer, %pos, %n) : {0}, {1}, {2}, {3}",
                             k.type(), v.type(), keys.type(), values.type());
    session.call(session.define({k.type(), v.type(), keys.memoryType(), values.memoryType()},
                                viewsOf(keys, values, 2) + op),
                 {k.data, v.data, keys.data, values.data}, position);
  }
};

/// Writes what must be stored of row m. Numbers that a rotation in another precision may round elsewhere are taken from
/// `found`, after they have been compared.
void store(const Cache &wanted, const Cache &found, const Matrix &rows, int64_t m, int64_t position) {
  const Shape &shape = wanted.shape;
  for (int64_t head = 0; head < shape.kvHeads; ++head) {
    Doubles x = rows.values(m, head * shape.headDim, shape.headDim);
    if (!wanted.element.isQuantized()) {
      for (int64_t d = 0; d < shape.headDim; ++d)
        wanted.setNumber(head, position, d, x[d]);
      continue;
    }
    Doubles kept = reference::cacheVector(x, *wanted.element.format());
    for (int64_t d = 0; d < shape.headDim; ++d) {
      double scale = double(found.scale(head, position, d));
      if (wanted.element.name == "q4")
        EXPECT_NEAR(found.get(head, position, d), kept[d], 1.01 * std::fabs(scale));
      else
        EXPECT_EQ(found.get(head, position, d), kept[d]);
      wanted.scale(head, position, d) = found.scale(head, position, d);
      auto [byte, shift] = found.code(head, position, d);
      wanted.setCode(head, position, d, wanted.element.bits() == 8 ? *byte : *byte >> shift & 15);
      if (wanted.hasMinima())
        wanted.minimum(head, position, d) = found.minimum(head, position, d);
    }
  }
}

TEST_P(KVAppend, StoresTheValidRowsAndNothingElse) {
  const Element f32{"f32"}, f16{"f16"}, q8{"q8"}, q4{"q4"}, plain{"q4_plain"};
  for (const Shape &shape : {Shape{2, 2, 8, f16, f16},
                             {3, 3, 20, f32, f16},
                             {1, 1, 5, f32, f32},
                             {2, 2, 64, q8, q8},
                             {1, 1, 80, q4, q4},
                             {2, 2, 16, plain, plain},
                             {1, 1, 96, q8, plain},
                             {1, 1, 256, q4, q8}}) {
    int64_t width = shape.kvHeads * shape.headDim;
    Matrix k = Matrix::random(kRows, width, 3 * width, engine, 100),
           v = Matrix::random(kRows, width, 2 * width, engine);
    std::fill_n(v.row(1), width, 0.0f);
    k.row(0)[0] = -200;
    if (shape.values.isQuantized()) {
      v.row(2)[0] = 1e30f; // its scale is the largest f16
      for (int64_t d = 0; d < std::min<int64_t>(width, 4); ++d)
        k.row(1)[d] *= 1e-9f;
    }
    for (int64_t pos : {0, 14, 31, 500, 511})
      for (int threads : {1, 3}) {
        Cache keys(shape, true, 0xa5), values(shape, false, 0xa5);
        Cache wantedKeys = keys.copy(), wantedValues = values.copy();
        append(shape, k, v, keys, values, {.layer = kLayer, .pos = pos, .n = kValid, .threads = threads});
        session.expect([=] {
          SCOPED_TRACE(shape.name() + " at " + std::to_string(pos));
          for (int64_t m = 0; m < kValid; ++m) {
            store(wantedKeys, keys, k, m, pos + m); // from 512 on at the beginning
            store(wantedValues, values, v, m, pos + m);
          }
          EXPECT_TRUE(*keys.data == *wantedKeys.data);
          EXPECT_TRUE(*values.data == *wantedValues.data);
        });
      }
  }
  session.run(target);
}

/// A few numbers far above the others, as keys have them: the rotation spreads them, and 4 bits lose less of the rest.
TEST_P(KVAppend, RotationHelpsAgainstOutliers) {
  Shape turned{1, 1, 64, {"q4"}, {"q4"}}, plain{1, 1, 64, {"q4_plain"}, {"q4_plain"}};
  Matrix k = Matrix::random(1, 64, 64, engine);
  k.row(0)[3] = 30, k.row(0)[40] = -25;
  Cache turnedKeys(turned, true, 0), plainKeys(plain, true, 0);
  Position position = {.layer = kLayer, .pos = 7, .n = 1};
  append(turned, k, k, turnedKeys, Cache(turned, false, 0), position);
  append(plain, k, k, plainKeys, Cache(plain, false, 0), position);
  session.expect([=] {
    double better = normalizedError(reference::rotateByHadamard(turnedKeys.vector(0, 7)), k.values(0));
    EXPECT_LT(better, 0.7 * normalizedError(plainKeys.vector(0, 7), k.values(0)));
  });
  session.run(target);
}

INSTANTIATE_TEST_SUITE_P(Targets, KVAppend, rowKernelMachines());

} // namespace
} // namespace nibble::test
