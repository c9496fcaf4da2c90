//===- AttentionBlock.cpp - attention to a chunk of positions -------------===//
//
// See AttentionBlock.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/AttentionBlock.h"

#include "codegen/Lower/VectorMath.h"
#include "compiler/Target/TargetInfo.h"

#include <limits>
#include <numeric>

using namespace mlir;

namespace nibble {

constexpr int64_t kBlock = lm::kKeyBlock, kChunk = lm::kAttentionChunk;
static_assert(kBlock == kLanes, "a block of keys is one vector");

/// Vectors of 16 lanes that the loop over values carries: half of the registers, 8 of 16 with 8 lanes. With 12 of
/// these, LLVM keeps one in memory: 9 heads over 3 cached ones of 64 ran at 52 instead of 61 Gflop/s (peak 103) on one
/// Zen 3 core. Of 32 with 16 lanes four would wait for each other: a multiply-add takes four cycles, and two start in
/// each.
int64_t AttentionBlock::valueVectors() const {
  constexpr int64_t kLeast = 4;
  return std::max(kLeast, dotEmitter(row).registers() / 2 * row.lanes / kBlock);
}

int64_t AttentionShape::scoreCompany() const {
  if (streams() < 3)
    return streams();
  return streams() % 3 != 0 && streams() % 2 == 0 ? 2 : 3;
}

AttentionScratch AttentionScratch::allocate(KernelBuilder &k, const AttentionShape &shape) {
  int64_t streams = shape.streams(), headDim = shape.headDim;
  AttentionScratch s;
  s.query = k.stack(shape.keys.quantized ? k.i8() : k.f32(), streams * headDim);
  if (shape.keys.quantized) {
    s.queryScales = k.stack(k.f32(), streams * shape.keys.groups());
    s.querySums = k.stack(k.i32(), streams * shape.keys.groups());
  }
  s.maxima = k.stack(k.f32(), streams);
  s.denominators = k.stack(k.f32(), streams * kBlock);
  s.sums = k.stack(k.f32(), streams * headDim);
  if (shape.values.hasMinima())
    s.minima = k.stack(k.f32(), streams * shape.values.groups() * kBlock);
  s.scores = k.stack(k.f32(), streams * kChunk);
  if (shape.values.quantized)
    s.weights = k.stack(k.f32(), shape.valueCompany() * shape.weightArrays() * kBlock);
  s.vector = k.stack(k.f32(), headDim);
  if (shape.decodes()) {
    if (!shape.keys.quantized)
      s.keyBlock = k.stack(k.f32(), headDim * kBlock);
    s.valueBlock = k.stack(k.f32(), headDim * kBlock);
  }
  return s;
}

/// The best instruction whose vectors divide a block of positions.
static const InstructionRow &rowOf(const TargetInfo &target) {
  auto has = [&](llvm::StringRef feature) { return target.has(feature); };
  for (const InstructionRow *row : rowsFor(target.triple, has))
    if (row->kind == RowKind::Dot && row->kr() == 4 && kBlock % row->lanes == 0)
      return *row;
  llvm_unreachable("the generic row has vectors of 4 lanes");
}

AttentionBlock::AttentionBlock(KernelBuilder &k, const TargetInfo &target, const AttentionShape &shape,
                               const AttentionScratch &scratch)
    : k(k), target(target), shape(shape), scratch(scratch), keyCodec(k, target, shape.keys),
      valueCodec(k, target, shape.values), row(rowOf(target)) {}

//===--- streams -----------------------------------------------------------===//

void AttentionBlock::begin(Value stream, Value row) const {
  Value to = shape.keys.quantized ? scratch.vector : floats(scratch.query, stream, shape.headDim);
  forEachPiece(k, shape.headDim, [&](Value offset, int64_t lanes) {
    k.store(k.load(vector(lanes), k.at(row, k.f32(), offset)), k.at(to, k.f32(), offset));
  });
  if (!shape.keys.quantized)
    return;
  int64_t groups = shape.keys.groups();
  keyCodec.rotate(to);
  keyCodec.quantizeQuery(to, k.offset(scratch.query, k.mul(stream, shape.headDim)),
                         floats(scratch.queryScales, stream, groups),
                         k.at(scratch.querySums, k.i32(), k.mul(stream, groups)));
}

void AttentionBlock::clear(Value stream) const {
  Value sums = floats(scratch.sums, stream, shape.headDim);
  forEachPiece(k, shape.headDim, [&](Value offset, int64_t lanes) {
    k.store(k.zero(vector(lanes)), k.at(sums, k.f32(), offset));
  });
  if (shape.values.hasMinima())
    for (int64_t group = 0; group < shape.values.groups(); ++group)
      k.store(k.zero(vector()), k.at(minimaPlace(stream), k.f32(), group * kBlock));
}

Value AttentionBlock::minimaPlace(Value stream) const {
  return floats(scratch.minima, stream, shape.values.groups() * kBlock);
}

void AttentionBlock::finish(Value stream) const {
  if (!shape.values.hasMinima())
    return;
  Value minima = minimaPlace(stream), sums = floats(scratch.sums, stream, shape.headDim);
  // A group is as wide as a block.
  k.loop(k.i64(0), k.i64(shape.headDim), kBlock, [&](Value offset) {
    Value minimum = k.reduceAddf(k.load(vector(), k.at(minima, k.f32(), offset))), at = k.at(sums, k.f32(), offset);
    k.store(k.addf(k.load(vector(), at), k.splat(minimum, kBlock)), at);
  });
}

void AttentionBlock::decodeKeys(Value keys) const {
  if (!scratch.keyBlock)
    return;
  k.loop(k.i64(0), k.i64(shape.headDim), 1, [&](Value d) {
    Value offset = k.mul(d, kBlock);
    k.store(loadAsF32(k, target, shape.keys.element, kBlock, k.at(keys, shape.keys.element, offset)),
            k.at(scratch.keyBlock, k.f32(), offset));
  });
}

void AttentionBlock::decodeValues(Value values) const {
  if (!scratch.valueBlock)
    return;
  AttentionScratch none;
  AttentionBlock direct(k, target, shape, none);
  k.loop(k.i64(0), k.i64(kBlock), 1, [&](Value position) {
    Value to = floats(scratch.valueBlock, position, shape.headDim);
    for (Piece piece : piecesOf(shape.headDim))
      k.store(direct.loadValue(values, position, piece), k.at(to, k.f32(), piece.offset));
  });
}

//===--- scores ------------------------------------------------------------===//

/// Whether multiplications take one lane of a register for all of theirs: then several numbers are loaded at once.
/// Elsewhere a number is spread over the lanes as it is loaded.
static bool multipliesByLane(const TargetInfo &target) { return target.isAArch64() && target.scalableBits <= 128; }

AttentionBlock::Values AttentionBlock::loadSpread(Value numbers, int64_t count, int64_t lanes) const {
  Values spread;
  if (count == 1)
    return {k.splat(k.load(k.f32(), numbers), lanes)};
  Value loaded = k.load(vector(count), numbers, 4);
  for (int64_t i = 0; i < count; ++i)
    spread.push_back(k.shuffle(loaded, loaded, SmallVector<int64_t>(lanes, i)));
  return spread;
}

int64_t AttentionBlock::numbersTogether() const { return multipliesByLane(target) ? 4 : 1; }

/// Σ_d q[d] · K[d][16] of every stream, in two chains over even and odd d.
AttentionBlock::Values AttentionBlock::floatProducts(int64_t count, Value first, Value keys) const {
  Type element = scratch.keyBlock ? k.f32() : shape.keys.element;
  Value block = scratch.keyBlock ? scratch.keyBlock : keys;
  Value query = floats(scratch.query, first, shape.headDim);
  auto steps = [&](Value d, int64_t dimensions, ValueRange chains) {
    Values next(chains);
    SmallVector<Values> numbers;
    int64_t together = dimensions % numbersTogether() == 0 ? numbersTogether() : 1;
    for (int64_t step = 0; step < dimensions; ++step) {
      if (step % together == 0)
        numbers.clear();
      for (int64_t i = 0; i < count && step % together == 0; ++i)
        numbers.push_back(loadSpread(k.at(query, k.f32(), k.add(d, i * shape.headDim + step)), together, kBlock));
      Value key = loadAsF32(k, target, element, kBlock, k.at(block, element, k.mul(k.add(d, step), kBlock)));
      for (int64_t i = 0; i < count; ++i) {
        Value &chain = next[step % 2 * count + i];
        chain = k.fma(numbers[i][step % together], key, chain);
      }
    }
    return next;
  };
  Values zeros(2 * count, k.zero(vector()));
  int64_t dimensions = std::max<int64_t>(2, numbersTogether()), whole = shape.headDim / dimensions * dimensions;
  Values sums = k.loop(k.i64(0), k.i64(whole), dimensions, zeros,
                       [&](Value d, ValueRange chains) { return steps(d, dimensions, chains); });
  if (whole < shape.headDim)
    sums = steps(k.i64(whole), shape.headDim - whole, sums);
  Values products;
  for (int64_t i = 0; i < count; ++i)
    products.push_back(k.addf(sums[i], sums[count + i]));
  return products;
}

AttentionBlock::Values AttentionBlock::integerProducts(int64_t count, Value first, Value keys) const {
  Values sums(count, k.zero(vector()));
  int64_t full = shape.headDim / shape.keys.group();
  if (full > 0)
    sums = k.loop(k.i64(0), k.i64(full), 1, sums, [&](Value group, ValueRange carried) {
      return addGroup(count, first, keys, group, shape.keys.group(), carried);
    });
  if (full < shape.keys.groups())
    sums = addGroup(count, first, keys, k.i64(full), shape.keys.groupSize(full), sums);
  return sums;
}

/// Adds the products of one group of `size` dimensions to the sums.
AttentionBlock::Values AttentionBlock::addGroup(int64_t count, Value first, Value keys, Value group, int64_t size,
                                                ValueRange sums) const {
  const DotEmitter &emitter = dotEmitter(row);
  bool isSigned = shape.keys.bits == 8;
  unsigned bias = row.storageBias(shape.keys.bits, isSigned);
  int64_t offset = isSigned ? bias : 0, quads = size / 4, vectors = kBlock / row.lanes;
  // The offset of the codes is taken from the finished sums.
  DotRun run;
  run.lanes = row.lanes;
  run.quads = quads;
  run.stepBytes = 4; // a query's codes lie one behind the other
  run.codes = {shape.keys.bits, isSigned && bias == 0};
  int64_t vectorBytes = 4 * row.lanes, packed = quads * shape.keys.bits / 8;

  // The bytes of a group's keys are those of 16 positions; every quad of theirs is 64 bytes.
  Value codes = k.offset(keyCodec.codesOf(keys), k.mul(group, shape.keys.group() * kBlock * shape.keys.bits / 8));
  auto weights = [&](int64_t quad, int64_t v) {
    Value bytes = k.load(k.vec(k.i8(), vectorBytes), k.offset(codes, quad % packed * 4 * kBlock + v * vectorBytes));
    if (shape.keys.bits == 4)
      bytes = quad < packed ? k.bitAnd(bytes, 15) : k.shru(bytes, 4);
    return bias ? k.bitXor(bytes, bias) : bytes;
  };

  SmallVector<Values> queries;
  Value query = k.offset(scratch.query, k.add(k.mul(first, shape.headDim), k.mul(group, shape.keys.group())));
  for (int64_t i = 0; i < count; ++i)
    queries.push_back(emitter.loadActivations(k, run, k.offset(query, i * shape.headDim), quads));
  Values dots(count * vectors, emitter.start(k, run, /*codeSums=*/Value()));
  // An accumulating instruction takes quad by quad, so that its weights are done with all streams at once.
  int64_t step = emitter.walksInLoop() ? quads : 1;
  for (int64_t quad = 0; quad < quads; quad += step)
    for (int64_t v = 0; v < vectors; ++v) {
      Values w;
      for (int64_t i = 0; i < step; ++i)
        w.push_back(weights(quad + i, v));
      for (int64_t i = 0; i < count; ++i) {
        Value &dot = dots[i * vectors + v];
        dot = emitter.multiply(k, run, dot, w, ArrayRef<Value>(queries[i]).slice(quad, step));
      }
    }

  Value keyScale = loadAsF32(k, target, k.f16(), kBlock, keyCodec.scalesOf(keys, group)), keyMinimum;
  if (shape.keys.hasMinima())
    keyMinimum = loadAsF32(k, target, k.f16(), kBlock, keyCodec.minimaOf(keys, group));
  Values next;
  for (int64_t i = 0; i < count; ++i) {
    auto finished = [&](int64_t v) {
      return emitter.finish(k, run, dots[i * vectors + v], /*codeSums=*/Value());
    };
    Value dot = finished(0);
    for (int64_t v = 1; v < vectors; ++v)
      dot = k.concat(dot, finished(v));
    Value place = k.add(k.mul(k.add(first, i), shape.keys.groups()), group);
    Value querySum = k.load(k.i32(), k.at(scratch.querySums, k.i32(), place));
    if (offset)
      dot = k.sub(dot, k.splat(k.mul(querySum, offset), kBlock));
    Value queryScale = k.load(k.f32(), k.at(scratch.queryScales, k.f32(), place)), sum = sums[i];
    if (keyMinimum) {
      Value total = k.mulf(queryScale, k.intToFloat(querySum, k.f32()));
      sum = k.fma(keyMinimum, k.splat(total, kBlock), sum);
    }
    next.push_back(k.fma(k.mulf(keyScale, k.splat(queryScale, kBlock)), k.intToFloat(dot, k.f32()), sum));
  }
  return next;
}

/// scale · x, or with a cap c: c · tanh(scale / c · x).
Value AttentionBlock::score(Value x) const {
  auto number = [&](double value) { return k.constant(vector(), value); };
  if (shape.softcap == 0)
    return k.mulf(x, number(shape.scale));
  return k.mulf(emitTanh(k, k.mulf(x, number(shape.scale / shape.softcap))), number(shape.softcap));
}

Value AttentionBlock::maxOfLanes(Value v) const {
  for (int64_t half = kBlock / 2; half > 0; half /= 2)
    v = emitGreater(k, k.slice(v, 0, half), k.slice(v, half, half));
  return k.extract(v, 0);
}

Value AttentionBlock::scorePlace(Value stream, Value at) const {
  return k.at(scratch.scores, k.f32(), k.add(k.mul(stream, kChunk), at));
}

void AttentionBlock::addScores(int64_t count, Value first, Value keys, Value at, ArrayRef<Seen> seen) const {
  Values products = shape.keys.quantized ? integerProducts(count, first, keys) : floatProducts(count, first, keys);
  SmallVector<int32_t> numbers(kBlock);
  std::iota(numbers.begin(), numbers.end(), 0);
  for (int64_t i = 0; i < count; ++i) {
    Value scores = score(products[i]);
    if (!seen.empty()) {
      Value infinite = k.constant(vector(), -std::numeric_limits<double>::infinity());
      Value lanes = k.vectorI32(numbers);
      Value isSeen = k.bitAnd(k.slt(lanes, k.splat(k.trunc(seen[i].high, k.i32()), kBlock)),
                              k.sge(lanes, k.splat(k.trunc(seen[i].low, k.i32()), kBlock)));
      scores = k.select(isSeen, scores, infinite);
    }
    k.store(scores, scorePlace(k.add(first, i), at));
  }
}

void AttentionBlock::makeWeights(Value stream, Value from, Value to) const {
  Value least = k.constant(vector(), -std::numeric_limits<double>::infinity());
  Values greatest = k.loop(from, to, kBlock, {least}, [&](Value at, ValueRange carried) {
    return Values{emitGreater(k, k.load(vector(), scorePlace(stream, at)), carried[0])};
  });
  Value maximum = maxOfLanes(greatest[0]);
  k.store(maximum, k.at(scratch.maxima, k.f32(), stream));
  Value all = k.splat(maximum, kBlock);
  Values sums = k.loop(from, to, kBlock, {k.zero(vector())}, [&](Value at, ValueRange carried) {
    Value place = scorePlace(stream, at), weights = emitExpOfNegative(k, k.subf(k.load(vector(), place), all));
    k.store(weights, place);
    return Values{k.addf(carried[0], weights)};
  });
  k.store(sums[0], floats(scratch.denominators, stream, kBlock));
}

//===--- values ------------------------------------------------------------===//

/// The weights of a company's stream times the scales of the values, one array for each group of dimensions.
void AttentionBlock::scaleWeights(int64_t index, Value stream, Value values, Value at) const {
  int64_t arrays = shape.weightArrays();
  Value weights = k.load(vector(), scorePlace(stream, at));
  for (int64_t group = 0; group < arrays; ++group) {
    Value scales = loadAsF32(k, target, k.f16(), kBlock, valueCodec.scalesOf(values, k.i64(group)));
    k.store(k.mulf(weights, scales), k.at(scratch.weights, k.f32(), (index * arrays + group) * kBlock));
  }
}

/// Where a weight is 0 the minimum may be anything: positions that are not seen.
void AttentionBlock::addMinima(Value stream, Value values, Value at) const {
  Value weights = k.load(vector(), scorePlace(stream, at)), zero = k.zero(vector());
  Value isSeen = k.cmp(KernelBuilder::FCmp::ONE, weights, zero);
  for (int64_t group = 0; group < shape.values.groups(); ++group) {
    Value minima = loadAsF32(k, target, k.f16(), kBlock, valueCodec.minimaOf(values, k.i64(group)));
    Value place = k.at(minimaPlace(stream), k.f32(), group * kBlock);
    k.store(k.fma(weights, k.select(isSeen, minima, zero), k.load(vector(), place)), place);
  }
}

Value AttentionBlock::loadValue(Value values, Value position, Piece piece) const {
  if (scratch.valueBlock) {
    Value at = floats(scratch.valueBlock, position, shape.headDim);
    return k.load(vector(piece.lanes), k.at(at, k.f32(), piece.offset));
  }
  if (shape.values.quantized)
    return valueCodec.loadValueCodes(
        k.offset(valueCodec.codesOf(values), k.mul(position, valueCodec.valueStride())), piece.offset);
  Type element = shape.values.element;
  Value at = k.at(values, element, k.mul(position, shape.headDim));
  return loadAsF32(k, target, element, piece.lanes, k.at(at, element, piece.offset));
}

/// acc += Σ_i p[i] · V[i] for the given pieces of a head.
void AttentionBlock::addPieces(int64_t count, Value first, Value values, Value at, Seen seen,
                               ArrayRef<Piece> pieces) const {
  Value sums = floats(scratch.sums, first, shape.headDim);
  auto place = [&](int64_t i, Piece p) { return k.at(sums, k.f32(), i * shape.headDim + p.offset); };
  Value weights = shape.values.quantized ? scratch.weights : scorePlace(first, at);
  auto weightOf = [&](int64_t i, Piece p) {
    return shape.values.quantized ? (i * shape.weightArrays() + p.offset / shape.values.group()) * kBlock : i * kChunk;
  };
  Values acc;
  for (int64_t i = 0; i < count; ++i)
    for (Piece p : pieces)
      acc.push_back(k.load(vector(p.lanes), place(i, p)));
  int64_t together = seen.low ? 1 : numbersTogether();
  if (!seen.low)
    seen = {k.i64(0), k.i64(kBlock)};
  acc = k.loop(seen.low, seen.high, together, acc, [&](Value position, ValueRange carried) {
    Values next(carried);
    SmallVector<Values> spread;
    for (int64_t i = 0; i < count; ++i)
      for (Piece p : pieces)
        spread.push_back(
            loadSpread(k.at(weights, k.f32(), k.add(position, weightOf(i, p))), together, p.lanes));
    for (int64_t step = 0; step < together; ++step)
      for (auto [index, p] : llvm::enumerate(pieces)) {
        Value value = loadValue(values, k.add(position, step), p);
        for (int64_t i = 0; i < count; ++i) {
          Value &sum = next[i * pieces.size() + index];
          sum = k.fma(spread[i * pieces.size() + index][step], value, sum);
        }
      }
    return next;
  });
  for (int64_t i = 0; i < count; ++i)
    for (auto [index, p] : llvm::enumerate(pieces))
      k.store(acc[i * pieces.size() + index], place(i, p));
}

void AttentionBlock::addValues(int64_t count, Value first, Value values, Value at, Seen seen) const {
  for (int64_t i = 0; shape.values.quantized && i < count; ++i)
    scaleWeights(i, k.add(first, i), values, at);
  SmallVector<Piece> pieces = piecesOf(shape.headDim);
  int64_t atOnce = std::max<int64_t>(1, valueVectors() / count);
  int64_t passes = llvm::divideCeil(pieces.size(), atOnce);
  for (ArrayRef<Piece> left(pieces); !left.empty(); --passes) {
    size_t taken = llvm::divideCeil(left.size(), passes);
    addPieces(count, first, values, at, seen, left.take_front(taken));
    left = left.drop_front(taken);
  }
}

} // namespace nibble
