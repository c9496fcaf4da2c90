//===- FusedKernelsTest.cpp - fused kernels beside their parts -------------===//
//
// What a pass fuses gives the bits that the operations give one after the other:
// quantizations with the norm or the gated unit before them, and rotations with the
// write to the cache or the attention behind them. For several threads, rows, orders of
// codes and types of caches.
//
//===----------------------------------------------------------------------===//

#include "test/Kernels/AttentionCache.h"
#include "test/Kernels/RowKernelTest.h"

#include "llvm/ADT/StringExtras.h"

namespace nibble::test {
namespace {

using llvm::formatv;

constexpr unsigned kSeed = 2611;

class FusedKernels : public RowKernelTest {
protected:
  FusedKernels() : RowKernelTest(kSeed) {}

  /// Runs `op` on the buffers; %b0, %b1, … are of `types`.
  void run(const std::vector<std::string> &types, const std::vector<Buffer> &buffers, const std::string &op,
           Position position) {
    session.call(session.define(types, op), buffers, position);
  }
};

//===--- quantizations -------------------------------------------------------===//

/// Codes, scales and sums of some rows, in blocks of `interleaved`.
struct Quantized {
  std::vector<std::string> types;
  std::vector<Buffer> buffers;

  Quantized(int64_t rows, int64_t width, int64_t group, int64_t sumGroup, int64_t interleaved) {
    int64_t blocks = (rows + interleaved - 1) / interleaved, twice = interleaved > 1 ? 2 * interleaved : 1;
    const std::pair<int64_t, const char *> parts[] = {
        {interleaved * width, "i8"}, {twice * width / group, "f32"}, {twice * width / sumGroup, "i32"}};
    for (auto [columns, element] : parts) {
      types.push_back(formatv("memref<{0}x{1}x{2}>", blocks, columns, element));
      buffers.push_back(std::make_shared<Bytes>(blocks * columns * (element[1] == '8' ? 1 : 4), uint8_t(0x5a)));
    }
  }
  bool equals(const Quantized &other) const {
    for (size_t i = 0; i < buffers.size(); ++i)
      if (*buffers[i] != *other.buffers[i])
        return false;
    return true;
  }
};

struct QuantizeCase {
  int64_t rows, width, group, sumGroup, interleaved;
  int64_t valid() const { return rows > 1 ? rows - 1 : 1; }
  std::string attributes() const { return formatv("group = {0} : i64, sum_group = {1} : i64", group, sumGroup); }
};

const QuantizeCase kCases[] = {
    {1, 576, 32, 32, 1}, {5, 96, 32, 16, 4}, {3, 64, 64, 32, 1}, {9, 64, 16, 32, 1}};

TEST_P(FusedKernels, NormAndQuantize) {
  for (const QuantizeCase &c : kCases)
    for (bool centred : {false, true}) {
      if (!isNative() && centred != (c.rows > 1)) // each norm, with one row or with several
        continue;
      const char *element = centred ? "f32" : "f16";
      Matrix x = Matrix::random(c.rows, c.width, c.width + 32, engine, 3), y(c.rows, c.width, c.width);
      std::fill_n(x.row(0), 32, 0.0f);
      std::vector<uint16_t> halves(c.width);
      for (uint16_t &half : halves)
        half = 0x3800 + engine() % 0x800; // 0.5 … 2
      std::vector<float> floats(c.width);
      for (float &number : floats)
        number = std::uniform_real_distribution<float>(-2, 2)(engine);
      Buffer weight = element[1] == '3' ? bufferOf(floats) : bufferOf(halves);
      std::string weightType = formatv("memref<{0}x{1}>", c.width, element);
      std::string norm = centred ? "lm.layer_norm" : "lm.rms_norm", bias = centred ? " bias %b1" : "";
      std::string biasType = centred ? ", " + weightType : "",
                  types = x.type() + ", " + weightType + biasType + ", index";
      Quantized apart(c.rows, c.width, c.group, c.sumGroup, c.interleaved);
      Position position = {.n = c.valid(), .threads = 1};
      run({x.type(), weightType, y.type()}, {x.data, weight, y.data},
          formatv("{0} %b0, %b1{1}, %n into %b2 {{epsilon = 1.0e-05 : f64} : ({2}, {3}) -> ()", norm, bias, types,
                  y.type()),
          position);
      auto into = [&](const Quantized &out) { return out.types[0] + ", " + out.types[1] + ", " + out.types[2]; };
      run({y.type(), apart.types[0], apart.types[1], apart.types[2]},
          {y.data, apart.buffers[0], apart.buffers[1], apart.buffers[2]},
          formatv("mpgemm.quantize %b0, %n into %b1, %b2, %b3 {{{0}} : ({1}, index, {2}) -> ()", c.attributes(),
                  y.type(), into(apart)),
          position);
      for (int threads : {1, 3})
        for (bool replicated : {false, true}) {
          // Copies of one place: threads that replicate write the same bytes.
          Quantized fused(c.rows, c.width, c.group, c.sumGroup, c.interleaved);
          run({x.type(), weightType, fused.types[0], fused.types[1], fused.types[2]},
              {x.data, weight, fused.buffers[0], fused.buffers[1], fused.buffers[2]},
              formatv("mpgemm.norm_quantize %b0, %b1{0}, %n into %b2, %b3, %b4 {{epsilon = 1.0e-05 : f64, {1}{2}{3}} : "
                      "({4}, {5}) -> ()",
                      bias, c.attributes(), centred ? ", centred" : "", replicated ? ", replicated" : "", types,
                      into(fused)),
              {.n = c.valid(), .threads = threads});
          session.expect([=] {
            EXPECT_TRUE(fused.equals(apart)) << norm << " of " << c.rows << " x " << c.width << ", group " << c.group
                                             << ", " << threads << " threads";
          });
        }
    }
  session.run(target);
}

TEST_P(FusedKernels, GluAndQuantize) {
  for (const QuantizeCase &c : kCases) {
    if (c.group > 32)
      continue;
    for (const char *activation : {"silu", "relu2"}) {
      Matrix gate = Matrix::random(c.rows, c.width, 2 * c.width, engine, 8),
             up = Matrix::random(c.rows, c.width, c.width, engine, 2), y(c.rows, c.width, c.width);
      std::string types = gate.type() + ", " + up.type() + ", index";
      std::string function = formatv("activation = #lm.activation<{0}>", activation);
      Quantized apart(c.rows, c.width, c.group, c.sumGroup, c.interleaved);
      auto into = [&](const Quantized &out) { return out.types[0] + ", " + out.types[1] + ", " + out.types[2]; };
      Position position = {.n = c.valid(), .threads = 1};
      run({gate.type(), up.type(), y.type()}, {gate.data, up.data, y.data},
          formatv("lm.glu %b0, %b1, %n into %b2 {{{0}} : ({1}, {2}) -> ()", function, types, y.type()), position);
      run({y.type(), apart.types[0], apart.types[1], apart.types[2]},
          {y.data, apart.buffers[0], apart.buffers[1], apart.buffers[2]},
          formatv("mpgemm.quantize %b0, %n into %b1, %b2, %b3 {{{0}} : ({1}, index, {2}) -> ()", c.attributes(),
                  y.type(), into(apart)),
          position);
      for (int threads : {1, 2, 5}) {
        Quantized fused(c.rows, c.width, c.group, c.sumGroup, c.interleaved);
        run({gate.type(), up.type(), fused.types[0], fused.types[1], fused.types[2]},
            {gate.data, up.data, fused.buffers[0], fused.buffers[1], fused.buffers[2]},
            formatv("mpgemm.glu_quantize %b0, %b1, %n into %b2, %b3, %b4 {{{0}, {1}} : ({2}, {3}) -> ()", function,
                    c.attributes(), types, into(fused)),
            {.n = c.valid(), .threads = threads});
        session.expect([=] {
          EXPECT_TRUE(fused.equals(apart)) << activation << " of " << c.rows << " x " << c.width << ", " << threads
                                           << " threads";
        });
      }
    }
  }
  session.run(target);
}

//===--- rotations -----------------------------------------------------------===//

/// A table of angles for 512 positions: any numbers do, since both sides read them.
struct Angles {
  std::string type;
  Buffer data;

  Angles(int64_t pairs, std::mt19937 &engine) : type(formatv("memref<72x{0}x2xf32>", pairs)) {
    std::vector<float> numbers(72 * pairs * 2);
    for (float &number : numbers)
      number = std::uniform_real_distribution<float>(-1, 1)(engine);
    data = bufferOf(numbers);
  }
};

const Element kF16{"f16"}, kQ8{"q8"}, kQ4{"q4"}, kPlain{"q4_plain"};
const Shape kShapes[] = {
    {6, 2, 32, kF16, kF16}, {3, 1, 32, kQ4, kQ4}, {2, 2, 48, kQ8, kPlain}, {2, 1, 16, kQ8, kQ8, 40, 0, 64}};

/// A clause of an operation: its text and attribute, and what it adds to the operands.
struct Clause {
  std::string text, attribute;
  std::vector<std::string> types;
  std::vector<Buffer> buffers;

  std::string typeText() const { return types.empty() ? "" : ", " + llvm::join(types, ", "); }
};

class FusedRope : public FusedKernels {
protected:
  void rotate(const Matrix &x, const Matrix &y, const Angles &angles, int64_t headDim, const std::string &pairing,
              Position position) {
    run({x.type(), angles.type, y.type()}, {x.data, angles.data, y.data},
        formatv(
            "lm.rope %b0, %b1 at %pos, %n into %b2 {{head_dim = {0} : i64, pairing = #lm.pairing<{1}>} : ({2}, {3}, "
            "index, index, {4}) -> ()",
            headDim, pairing, x.type(), angles.type, y.type()),
        position);
  }
  /// Runs `op` on the caches and two more buffers, %b2 and %b3, and on what the clause adds behind them.
  void runOnCaches(const Cache &keys, const Cache &values, std::vector<std::string> types, std::vector<Buffer> buffers,
                   const Clause &clause, const std::string &op, Position position) {
    types.insert(types.begin(), {keys.memoryType(), values.memoryType()});
    buffers.insert(buffers.begin(), {keys.data, values.data});
    types.insert(types.end(), clause.types.begin(), clause.types.end());
    buffers.insert(buffers.end(), clause.buffers.begin(), clause.buffers.end());
    run(types, buffers, viewsOf(keys, values, 0) + op, position);
  }
  void append(const Matrix &k, const Matrix &v, const Cache &keys, const Cache &values, Position position,
              const Clause &clause = {}) {
    std::string op =
        formatv("lm.kv_append %b2, %b3 into %keys, %values at (%layer, %pos, %n){0}{1} : {2}, {3}, {4}, {5}{6}",
                clause.text, clause.attribute, k.type(), v.type(), keys.type(), values.type(), clause.typeText());
    runOnCaches(keys, values, {k.type(), v.type()}, {k.data, v.data}, clause, op, position);
  }
  /// `lm.attention`, or with records as the result `lm.attention_partials`.
  void attend(const Cache &keys, const Cache &values, const Matrix &q, const std::string &resultType,
              const Buffer &result, bool inRecords, const Clause &clause, Position position) {
    const Shape &shape = keys.shape;
    std::string op =
        formatv("{0} at (%layer, %pos{1}){2} into %b3 {{heads = {3} : i64, kv_heads = {4} : i64, scale = 0.125 "
                ": f64{5}{6}} : ({7}, {8}, {9}, index, index{10}{11}, {12}) -> ()",
                inRecords ? "lm.attention_partials %b2, %keys, %values" : "lm.attention %b2, %keys, %values",
                inRecords ? "" : ", %n", clause.text, shape.heads, shape.kvHeads, shape.attributes(), clause.attribute,
                q.type(), keys.type(), values.type(), inRecords ? "" : ", index", clause.typeText(), resultType);
    runOnCaches(keys, values, {q.type(), resultType}, {q.data, result}, clause, op, position);
  }
  /// This machine takes all shapes, others 4 bits and a ring.
  std::vector<Shape> shapes() const {
    return isNative() ? std::vector<Shape>(std::begin(kShapes), std::end(kShapes))
                      : std::vector{kShapes[1], kShapes[3]};
  }
};

TEST_P(FusedRope, KeysAreRotatedAsTheyAreWritten) {
  for (const Shape &shape : shapes())
    for (const char *pairing : {"interleaved", "halves"}) {
      int64_t width = shape.kvHeads * shape.headDim;
      Angles angles(shape.headDim / 2 - (shape.headDim == 48 ? 8 : 0), engine);
      Matrix k = Matrix::random(5, width, 3 * width, engine, 2), v = Matrix::random(5, width, width, engine),
             turned(5, width, width);
      Position position = {.layer = kLayer, .pos = 30, .n = 4, .threads = 1};
      Cache keys(shape, true, 0xa5), values(shape, false, 0xa5);
      rotate(k, turned, angles, shape.headDim, pairing, position);
      append(turned, v, keys, values, position);
      Clause rope{" rope %b4", formatv(" {{pairing = #lm.pairing<{0}>}", pairing), {angles.type}, {angles.data}};
      for (int threads : {1, 3}) {
        Cache fusedKeys(shape, true, 0xa5), fusedValues(shape, false, 0xa5);
        append(k, v, fusedKeys, fusedValues, {.layer = kLayer, .pos = 30, .n = 4, .threads = threads}, rope);
        session.expect([=] {
          EXPECT_TRUE(*fusedKeys.data == *keys.data && *fusedValues.data == *values.data)
              << shape.name() << ", " << pairing;
        });
      }
    }
  session.run(target);
}

TEST_P(FusedRope, QueriesAreRotatedAsTheyAreRead) {
  for (const Shape &shape : shapes()) {
    int64_t width = shape.heads * shape.headDim, pos = 20;
    Angles angles(shape.headDim / 2, engine);
    Matrix q = Matrix::random(4, width, width + 16, engine, 2), turned(4, width, width), y(4, width, width);
    Cache keys(shape, true, 0), values(shape, false, 0);
    keys.randomize(0, pos + 3, engine), values.randomize(0, pos + 3, engine);
    Position first = {.layer = kLayer, .pos = pos, .n = 3, .threads = 1};
    rotate(q, turned, angles, shape.headDim, "halves", first);
    attend(keys, values, turned, y.type(), y.data, /*inRecords=*/false, {}, first);
    Clause rope{" rope %b4", ", pairing = #lm.pairing<halves>", {angles.type}, {angles.data}};
    for (int threads : {1, 2}) {
      Matrix fused(4, width, width);
      attend(keys, values, q, fused.type(), fused.data, /*inRecords=*/false, rope,
             {.layer = kLayer, .pos = pos, .n = 3, .threads = threads});
      session.expect([=] { EXPECT_TRUE(*fused.data == *y.data) << shape.name() << ", " << threads << " threads"; });
    }
  }
  session.run(target);
}

/// One row: its key and value are written by the thread that has its chunk, whatever the others do. Rings, too, where
/// the new position may lie in the block of the oldest one.
TEST_P(FusedRope, PartialsAppendTheirRow) {
  for (const Shape &shape : shapes())
    for (int64_t pos : {0, 130, 383}) {
      int64_t width = shape.heads * shape.headDim, keyWidth = shape.kvHeads * shape.headDim;
      int64_t begin = shape.window ? std::max<int64_t>(0, pos + 1 - shape.window) : 0;
      int64_t seen = shape.window ? std::min(shape.window, shape.positions) + lm::kAttentionChunk - 1 : shape.positions;
      int64_t chunks = (seen + lm::kAttentionChunk - 1) / lm::kAttentionChunk;
      Angles angles(shape.headDim / 2, engine);
      Matrix q = Matrix::random(1, width, width, engine, 2), turned(1, width, width);
      Matrix k = Matrix::random(1, keyWidth, keyWidth, engine, 2), v = Matrix::random(1, keyWidth, keyWidth, engine),
             turnedKey(1, keyWidth, keyWidth);
      Cache keys(shape, true, 0x7f), values(shape, false, 0x7f);
      keys.randomize(begin, pos, engine), values.randomize(begin, pos, engine);
      std::string records = formatv("memref<{0}x{1}x{2}xf32>", chunks, shape.heads, shape.headDim + 2);
      auto memory = [&] { return bufferOf(std::vector<float>(chunks * shape.heads * (shape.headDim + 2), 7)); };
      Position one = {.layer = kLayer, .pos = pos, .n = 1, .threads = 1};
      Cache apartKeys = keys.copy(), apartValues = values.copy();
      rotate(q, turned, angles, shape.headDim, "interleaved", one);
      rotate(k, turnedKey, angles, shape.headDim, "interleaved", one);
      append(turnedKey, v, apartKeys, apartValues, one);
      Buffer apart = memory();
      attend(apartKeys, apartValues, turned, records, apart, /*inRecords=*/true, {}, one);
      Clause appends{" rope %b4 append %b5, %b6",
                     ", pairing = #lm.pairing<interleaved>",
                     {angles.type, k.type(), v.type()},
                     {angles.data, k.data, v.data}};
      for (int threads : {1, 3}) {
        Cache fusedKeys = keys.copy(), fusedValues = values.copy();
        Buffer fused = memory();
        attend(fusedKeys, fusedValues, q, records, fused, /*inRecords=*/true, appends,
               {.layer = kLayer, .pos = pos, .n = 1, .threads = threads});
        session.expect([=] {
          EXPECT_TRUE(*fused == *apart) << shape.name() << " at " << pos << ", " << threads << " threads";
          EXPECT_TRUE(*fusedKeys.data == *apartKeys.data && *fusedValues.data == *apartValues.data) << shape.name();
        });
      }
    }
  session.run(target);
}

INSTANTIATE_TEST_SUITE_P(Targets, FusedKernels, rowKernelMachines());
INSTANTIATE_TEST_SUITE_P(Targets, FusedRope, rowKernelMachines());

} // namespace
} // namespace nibble::test
