//===- LowerAttention.cpp - lm.attention → kernel -------------------------===//
//
// Causal attention of one row over the cache, y = softmax(scale · q Kᵀ) V, in one pass
// with a running maximum (Milakov and Gimelshein, arXiv 1805.02867).
//
//   for each block of 16 positions, ascending:
//     s[16]  = scale · Σ_d q[d] · K[d][16]      16 positions side by side: keys are stored as (headDim × 16)
//     m'     = max(m, max s)
//     α      = exp(m - m'),  p[16] = exp(s - m')
//     l[16]  = α·l + p                          summed over the lanes at the very end
//     acc[:] = α·acc + Σ_i p[i] · V[i][:]       values are stored as (context × headDim)
//     m      = m'
//   y = acc / Σ l
//
// Positions past the row's own, and before its window, count as -inf, p = 0, and their values are not read: what an
// earlier use of the cache left there has no influence.
//
// Work: (kv head, row, head of the group) triples in this order, split evenly over the team. Query heads that share
// a cached head and fall to one thread are done together (up to three: their sums fill 12 of 16 vector registers of
// 8 lanes), so that each key and value is loaded and converted once for them. Every head has its own lanes and
// registers: its result is the same bits whether it is done alone or in company, in decode or prefill.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "dialects/LM/LM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FormatVariadic.h"

#include <limits>
#include <numeric>

using namespace mlir;

namespace nibble {

namespace {

constexpr int64_t kBlock = lm::kKeyBlock;
static_assert(kBlock == kLanes, "a block of keys is one vector");

/// Vectors of 16 lanes that the loop over values carries: 8 registers of 8 lanes. With 12 of the 16, LLVM keeps one in
/// memory: 9 heads over 3 cached ones of 64 ran at 52 instead of 61 Gflop/s (peak 103) on one Zen 3 core.
constexpr int64_t kValueVectors = 4;

/// What the kernel is specialised on.
struct AttentionShape {
  int64_t heads, kvHeads, headDim, context;
  float scale;
  int64_t window; ///< positions a row sees; 0: all up to its own
  float softcap;  ///< 0: none
  Type keyElement, valueElement;

  int64_t group() const { return heads / kvHeads; }
  /// Heads done together.
  int64_t company() const {
    if (group() == 1)
      return 1;
    return group() % 3 != 0 && group() % 2 == 0 ? 2 : 3;
  }
};

/// Emits the attention of `count` adjacent query heads that share a cached head, for one row.
struct HeadsEmitter {
  using Values = KernelBuilder::Values;

  KernelBuilder &k;
  const TargetInfo &target;
  const AttentionShape &shape;
  int64_t count;
  Value q, keys, values, y; ///< first head's query and result; base of the cached head
  Value weights, sums;      ///< scratch: count × 16 softmax weights; count × headDim weighted sums of values

  Type vector(int64_t lanes = kLanes) const { return k.vec(k.f32(), lanes); }
  Value headOf(Value pointer, int64_t head) const { return k.at(pointer, k.f32(), head * shape.headDim); }

  /// Σ_d q[d] · K[d][16] of every head, in two chains over even and odd d.
  Values dotProducts(Value block) const {
    auto step = [&](Value d, ValueRange chains) {
      Value key = loadAsF32(k, target, shape.keyElement, kBlock, k.at(block, shape.keyElement, k.mul(d, kBlock)));
      Values next;
      for (int64_t head = 0; head < count; ++head) {
        Value query = k.load(k.f32(), k.at(headOf(q, head), k.f32(), d));
        next.push_back(k.fma(k.splat(query, kBlock), key, chains[head]));
      }
      return next;
    };
    Values zeros(2 * count, k.zero(vector()));
    int64_t even = shape.headDim / 2 * 2;
    Values sums = k.loop(k.i64(0), k.i64(even), 2, zeros, [&](Value d, ValueRange chains) {
      Values next = step(d, chains.take_front(count));
      next.append(step(k.add(d, 1), chains.drop_front(count)));
      return next;
    });
    if (even < shape.headDim) {
      Values last = step(k.i64(even), ValueRange(sums).take_front(count));
      llvm::copy(last, sums.begin());
    }
    Values scores;
    for (int64_t head = 0; head < count; ++head)
      scores.push_back(score(k.addf(sums[head], sums[count + head])));
    return scores;
  }

  /// scale · x, or with a cap c: c · tanh(scale / c · x).
  Value score(Value x) const {
    auto number = [&](double value) { return k.constant(vector(), value); };
    if (shape.softcap == 0)
      return k.mulf(x, number(shape.scale));
    return k.mulf(emitTanh(k, k.mulf(x, number(shape.scale / shape.softcap))), number(shape.softcap));
  }

  Value maxOfLanes(Value v) const {
    for (int64_t half = kBlock / 2; half > 0; half /= 2)
      v = emitGreater(k, k.slice(v, 0, half), k.slice(v, half, half));
    return k.extract(v, 0);
  }

  /// exp of one number a head, side by side.
  Values expOfEach(ValueRange numbers) const {
    if (count == 1)
      return {emitExp(k, numbers[0])};
    Value packed = k.zero(vector(4));
    for (int64_t head = 0; head < count; ++head)
      packed = k.insert(numbers[head], packed, head);
    packed = emitExp(k, packed);
    Values results;
    for (int64_t head = 0; head < count; ++head)
      results.push_back(k.extract(packed, head));
    return results;
  }

  /// acc = α·acc + Σ_i p[i] · V[i] over positions low … high-1 of a block, for the given pieces of a head.
  void addValues(Value block, Value low, Value high, ArrayRef<Value> alphas, ArrayRef<Piece> pieces) const {
    Values acc;
    for (int64_t head = 0; head < count; ++head)
      for (Piece p : pieces) {
        Value old = k.load(vector(p.lanes), k.at(headOf(sums, head), k.f32(), p.offset));
        acc.push_back(k.mulf(old, k.splat(alphas[head], p.lanes)));
      }
    acc = k.loop(low, high, 1, acc, [&](Value i, ValueRange carried) {
      Value row = k.at(block, shape.valueElement, k.mul(i, shape.headDim));
      Values loaded, next;
      for (Piece p : pieces)
        loaded.push_back(loadAsF32(k, target, shape.valueElement, p.lanes, k.at(row, shape.valueElement, p.offset)));
      for (int64_t head = 0; head < count; ++head) {
        Value weight = k.load(k.f32(), k.at(weights, k.f32(), k.add(i, head * kBlock)));
        for (auto [value, p] : llvm::zip(loaded, pieces))
          next.push_back(k.fma(k.splat(weight, p.lanes), value, carried[next.size()]));
      }
      return next;
    });
    for (int64_t head = 0; head < count; ++head)
      for (auto [index, p] : llvm::enumerate(pieces))
        k.store(acc[head * pieces.size() + index], k.at(headOf(sums, head), k.f32(), p.offset));
  }

  /// One block. `state`: per head the maximum, then per head the 16 partial sums of the softmax's denominator.
  Values addBlock(Value first, Value start, Value end, ValueRange state) const {
    Value low = k.i64(0), high = k.mins(k.sub(end, first), kBlock);
    SmallVector<int32_t> laneNumbers(kBlock);
    std::iota(laneNumbers.begin(), laneNumbers.end(), 0);
    Value lanes = k.vectorI32(laneNumbers);
    Value isValid = k.slt(lanes, k.splat(k.trunc(high, k.i32()), kBlock));
    if (shape.window) {
      low = k.maxs(k.sub(start, first), k.i64(0));
      isValid = k.bitAnd(isValid, k.sge(lanes, k.splat(k.trunc(low, k.i32()), kBlock)));
    }
    Value none = k.constant(vector(), -std::numeric_limits<double>::infinity());

    Value offset = k.mul(first, shape.headDim);
    Values scores = dotProducts(k.at(keys, shape.keyElement, offset));
    Values maxima, steps, denominators;
    for (int64_t head = 0; head < count; ++head) {
      scores[head] = k.select(isValid, scores[head], none);
      maxima.push_back(emitGreater(k, maxOfLanes(scores[head]), state[head]));
      steps.push_back(k.subf(state[head], maxima[head]));
    }
    Values alphas = expOfEach(steps);
    for (int64_t head = 0; head < count; ++head) {
      Value weight = emitExp(k, k.subf(scores[head], k.splat(maxima[head], kBlock)));
      k.store(weight, k.at(weights, k.f32(), head * kBlock));
      denominators.push_back(k.fma(state[count + head], k.splat(alphas[head], kBlock), weight));
    }

    SmallVector<Piece> pieces = piecesOf(shape.headDim);
    int64_t atOnce = std::max<int64_t>(1, kValueVectors / count);
    int64_t passes = llvm::divideCeil(pieces.size(), atOnce);
    for (ArrayRef<Piece> left(pieces); !left.empty(); --passes) {
      size_t taken = llvm::divideCeil(left.size(), passes);
      addValues(k.at(values, shape.valueElement, offset), low, high, alphas, left.take_front(taken));
      left = left.drop_front(taken);
    }
    maxima.append(denominators);
    return maxima;
  }

  /// Positions start … end-1; blocks before the first of them are not visited.
  void emit(Value end) const {
    Value start = k.i64(0);
    if (shape.window)
      start = k.maxs(k.sub(end, shape.window), k.i64(0));
    for (int64_t head = 0; head < count; ++head)
      forEachPiece(k, shape.headDim, [&](Value offset, int64_t lanes) {
        k.store(k.zero(vector(lanes)), k.at(headOf(sums, head), k.f32(), offset));
      });
    Values state(count, k.constant(k.f32(), -std::numeric_limits<double>::infinity()));
    state.append(count, k.zero(vector()));
    state = k.loop(k.sub(start, k.remu(start, kBlock)), end, kBlock, state,
                   [&](Value first, ValueRange carried) { return addBlock(first, start, end, carried); });
    for (int64_t head = 0; head < count; ++head) {
      Value denominator = k.reduceAddf(state[count + head]);
      forEachPiece(k, shape.headDim, [&](Value offset, int64_t lanes) {
        Value sum = k.load(vector(lanes), k.at(headOf(sums, head), k.f32(), offset));
        k.store(k.divf(sum, k.splat(denominator, lanes)), k.at(headOf(y, head), k.f32(), offset));
      });
    }
  }
};

/// Emits the walk over a thread's share of the (kv head, row, head of the group) triples.
struct ShareEmitter {
  KernelBuilder &k;
  const TargetInfo &target;
  const AttentionShape &shape;
  RowBuffer qRows, yRows;
  ValueRange pointers; ///< q, keys, values, y
  Value layer, pos, n;
  Value weights, sums; ///< scratch

  /// `count` heads of one row, the first of them `member` of the group of `kvHead`.
  void heads(int64_t count, Value kvHead, Value row, Value member) const {
    Value column = k.mul(k.add(k.mul(kvHead, shape.group()), member), shape.headDim);
    Value cache = k.mul(k.add(k.mul(layer, shape.kvHeads), kvHead), shape.context * shape.headDim);
    HeadsEmitter emitter{k,
                         target,
                         shape,
                         count,
                         k.at(qRows.row(k, pointers[0], row), k.f32(), column),
                         k.at(pointers[1], shape.keyElement, cache),
                         k.at(pointers[2], shape.valueElement, cache),
                         k.at(yRows.row(k, pointers[3], row), k.f32(), column),
                         weights,
                         sums};
    emitter.emit(k.add(k.add(pos, row), 1));
  }

  void emit(Value tid, Value nthreads) const {
    int64_t group = shape.group(), company = shape.company();
    auto [low, high] = k.share(k.mul(n, shape.heads), tid, nthreads);
    // Every group that the share touches, in whole or in part.
    Value lastGroup = k.divu(k.add(high, group - 1), group);
    k.loop(k.divu(low, group), lastGroup, 1, [&, low = low, high = high](Value unit) {
      Value kvHead = k.divu(unit, n), row = k.remu(unit, n);
      Value start = k.mul(unit, group);
      Value from = k.maxs(k.sub(low, start), k.i64(0)), to = k.mins(k.sub(high, start), group);
      if (company == 1)
        return k.loop(from, to, 1, [&](Value member) { heads(1, kvHead, row, member); });
      k.loop(k.i64(0), k.i64(group), company, [&](Value member) {
        Value end = k.add(member, company);
        k.ifElse(
            k.bitAnd(k.sge(member, from), k.sge(to, end)), [&] { heads(company, kvHead, row, member); },
            [&] {
              k.loop(k.maxs(from, member), k.mins(to, end), 1, [&](Value single) { heads(1, kvHead, row, single); });
            });
      });
    });
  }
};

} // namespace

/// Stack memory of `count` floats for the whole kernel.
static Value scratch(KernelBuilder &k, int64_t count) {
  return LLVM::AllocaOp::create(k.builder(), k.location(), k.ptr(), k.f32(), k.i64(count), /*alignment=*/64);
}

LogicalResult lowerAttention(Operation *op, KernelLibrary &library) {
  auto attention = cast<lm::AttentionOp>(op);
  Value out = attention.getOuts().front();
  FailureOr<RowBuffer> q = RowBuffer::get(op, attention.getQ(), "q"), y = RowBuffer::get(op, out, "result");
  if (failed(q) || failed(y) || failed(requireContiguous(op, attention.getKeys(), "keys")) ||
      failed(requireContiguous(op, attention.getValues(), "values")))
    return failure();
  auto keys = cast<MemRefType>(attention.getKeys().getType());
  auto values = cast<MemRefType>(attention.getValues().getType());
  AttentionShape shape{int64_t(attention.getHeads()),
                       int64_t(attention.getKvHeads()),
                       keys.getDimSize(3),
                       keys.getDimSize(2),
                       static_cast<float>(attention.getScale().convertToDouble()),
                       int64_t(attention.getWindow().value_or(0)),
                       attention.getSoftcap() ? static_cast<float>(attention.getSoftcap()->convertToDouble()) : 0,
                       keys.getElementType(),
                       values.getElementType()};
  for (Type element : {shape.keyElement, shape.valueElement})
    if (!element.isF32() && !element.isF16())
      return op->emitOpError() << "takes a cache of f32 or f16, but found " << element;

  std::string name = llvm::formatv("attention_{0}h_{1}x{2}x{3}_q{4}_y{5}_{6}_{7}_s{8}", shape.heads, shape.kvHeads,
                                   shape.context, shape.headDim, q->stride, y->stride, typeName(shape.keyElement),
                                   typeName(shape.valueElement), floatName(shape.scale));
  if (shape.window)
    name += "_w" + std::to_string(shape.window);
  if (shape.softcap != 0)
    name += "_c" + floatName(shape.softcap);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value weights = scratch(k, shape.company() * kBlock), sums = scratch(k, shape.company() * shape.headDim);
    ShareEmitter emitter{k,          library.target(), shape,      *q,      *y,  pointers,
                         scalars[0], scalars[1],       scalars[2], weights, sums};
    emitter.emit(tid, nthreads);
  };
  return library.call(op, name, {attention.getQ(), attention.getKeys(), attention.getValues(), out},
                      {attention.getLayer(), attention.getPos(), attention.getN()}, body);
}

} // namespace nibble
