//===- Quantizer.cpp - rows of numbers → codes, scales and sums -----------===//
//
// Activations as int8 codes: per group of 32 columns a scale s and q = x / s rounded to the nearest, ties to even. Four
// scales are tried, those that give the largest number the code 127, 125, 123 or 121, and the one with the least
// squared error is taken, the first among equals: the rounding errors of 32 numbers differ enough between scales that
// the best of four has about four fifths of the error of the first. The steps x / (max|x| / 127) are a division, so
// that the codes are those of the definition to the last bit. Codes are clamped to ±127, which changes nothing for a
// normal s, and keeps the promise that the integer kernels rely on when s is denormal (x / s may exceed 127 then) and
// when x holds an infinity or a NaN.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/Quantizer.h"

#include "codegen/Lower/ActivationPlace.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Targets/DotEmitter.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <bit>
#include <iterator>

using namespace mlir;

namespace nibble {
namespace {

/// Where an open row's codes, scales and sums stand.
struct QuantizedRow {
  Value codes, scales, sums;
};

QuantizedRow rowOf(KernelBuilder &k, const Quantization &shape, ValueRange outs, Value m) {
  auto numbers = [&](Value base, Type type, int64_t group) {
    return placeOfNumber(k, shape.out, base, type, m, k.i64(0), group, shape.out.numbersOfBlock(group));
  };
  return {placeOfCodes(k, shape.out, outs[0], m, k.i64(0)), numbers(outs[1], k.f32(), shape.group),
          numbers(outs[2], k.i32(), shape.sumGroup)};
}

/// A scale or a sum of a row; interleaved ones stand twice.
void storeNumber(KernelBuilder &k, const Quantization &shape, Value number, Value pointer) {
  k.store(shape.out.isInterleaved() ? k.splat(number, 2) : number, pointer);
}

/// Codes of some columns of a row, which start at a span's first column unless they are stored one by one.
void storeCodes(KernelBuilder &k, const Quantization &shape, Value codes, Value pointer) {
  Value bytes = k.trunc(codes, k.i8());
  if (shape.out.joinsHalves) {
    SmallVector<int64_t> columns(KernelBuilder::lanes(bytes));
    for (int64_t column = 0; column < KernelBuilder::lanes(bytes); ++column)
      columns[shape.out.codeOffset(0, column)] = column;
    bytes = k.shuffle(bytes, bytes, columns);
  }
  if (!shape.out.isInterleaved())
    return k.store(bytes, pointer);
  constexpr int64_t step = mpgemm::ActivationLayout::kStepColumns;
  for (int64_t column = 0; column < KernelBuilder::lanes(bytes); column += step)
    k.store(k.slice(bytes, column, step), k.offset(pointer, shape.out.codeOffset(0, column)));
}

/// The largest magnitude. Of numbers without a sign bit, the larger has the larger bits.
Value largestMagnitude(KernelBuilder &k, Value values) {
  Value bits = k.bitAnd(k.bitcast(values, KernelBuilder::withElement(values.getType(), k.i32())), 0x7fffffff);
  return k.bitcast(k.reduceMaxs(bits), k.f32());
}

constexpr int64_t kCandidates = std::size(mpgemm::kScaleTops);
static_assert(kCandidates == 4, "the choice is among the lanes of one vector");
static_assert(std::is_sorted(std::begin(mpgemm::kScaleTops), std::end(mpgemm::kScaleTops), std::greater<>()),
              "the first among equals is the largest");

/// At 1.5·2^23 a float's last bit is worth 1, so that adding it rounds, halves to even, and the code stands in the low
/// bits.
constexpr float kRounder = 12582912.0f;

/// Numbers in units of the finest scale in units of the scale that gives the largest number the code 127 · `factor`.
Value scaledSteps(KernelBuilder &k, Value steps, Value factor) {
  return k.mulf(steps, k.splat(factor, KernelBuilder::lanes(steps)));
}

/// Codes of the same, i8, from the low half of the bits, because that of the rounder's is 0. Before they are clamped
/// the codes of finite numbers lie in ±191, since a denormal scale is too small by a third at most. What is clamped to
/// all of a byte is narrowed by an instruction that does that.
Value codesOf(KernelBuilder &k, Value scaled) {
  static_assert((std::bit_cast<uint32_t>(kRounder) & 0xffff) == 0);
  Value rounded = k.addf(scaled, k.constant(scaled.getType(), double(kRounder)));
  Value codes = k.trunc(k.bitcast(rounded, KernelBuilder::withElement(scaled.getType(), k.i32())), k.i16());
  Value bytes = k.trunc(k.mins(k.maxs(codes, -kMaxActivation - 1), kMaxActivation), k.i8());
  return k.maxs(bytes, -kMaxActivation);
}

/// Lanes in which squared errors are added up.
constexpr int64_t kErrorLanes = 8;

/// Squares of what the codes miss, in units of their scale; each lane the sum of every eighth.
Value squaredErrors(KernelBuilder &k, Value scaled) {
  Value miss = k.subf(scaled, k.roundEven(scaled)), total;
  int64_t lanes = std::min(kErrorLanes, KernelBuilder::lanes(miss));
  for (int64_t first = 0; first < KernelBuilder::lanes(miss); first += lanes) {
    Value part = k.slice(miss, first, lanes);
    total = total ? k.fma(part, part, total) : k.mulf(part, part);
  }
  return total;
}

/// The sums of four vectors as one vector, each by the tree of reduceAddf.
Value fourSums(KernelBuilder &k, MutableArrayRef<Value> vectors) {
  for (Value &vector : vectors)
    for (int64_t half = KernelBuilder::lanes(vector) / 2; half >= 4; half /= 2)
      vector = k.addf(k.slice(vector, 0, half), k.slice(vector, half, half));
  auto halve = [&](Value a, Value c, ArrayRef<int64_t> first, ArrayRef<int64_t> second) {
    return k.addf(k.shuffle(a, c, first), k.shuffle(a, c, second));
  };
  Value low = halve(vectors[0], vectors[1], {0, 1, 4, 5}, {2, 3, 6, 7});
  Value high = halve(vectors[2], vectors[3], {0, 1, 4, 5}, {2, 3, 6, 7});
  return halve(low, high, {0, 2, 4, 6}, {1, 3, 5, 7});
}

/// Of a group: codes as i8 × group, and their scale.
struct QuantizedGroup {
  Value codes, scale;
};

/// The number among kScaleTops which, as the code of the largest magnitude, leaves the least error. `steps` as in
/// quantizeGroups(). There is no branch, which would go either way.
Value bestTop(KernelBuilder &k, Value steps) {
  SmallVector<Value> errors;
  Value tops = k.zero(k.vec(k.f32(), kCandidates)), squares = tops;
  for (auto [lane, top] : llvm::enumerate(mpgemm::kScaleTops)) {
    auto number = static_cast<float>(top);
    errors.push_back(squaredErrors(k, lane == 0 ? steps : scaledSteps(k, steps, k.f32(number / kMaxActivation))));
    tops = k.insert(k.f32(number), tops, lane);
    squares = k.insert(k.f32(float(kMaxActivation * kMaxActivation) / float(top * top)), squares, lane); // of a scale
  }
  // Of numbers without a sign the larger has the larger bits. Errors are all NaN or none is, since they share the
  // largest number, and these are equal: then the first candidate is taken.
  Type bits = k.vec(k.i32(), kCandidates);
  Value error = k.bitcast(k.mulf(fourSums(k, errors), squares), bits);
  Value isLeast = k.eq(error, k.splat(k.reduceMins(error), kCandidates));
  return k.bitcast(k.reduceMaxs(k.select(isLeast, k.bitcast(tops, bits), k.zero(bits))), k.f32());
}

/// Groups of numbers, step by step side by side: each is one chain of operations, at whose results a machine would
/// wait. Numbers are brought to units of the finest scale, so that only one division is done for all candidates, and
/// the codes are made again for the scale that is chosen, because all candidates' codes are more than the registers
/// hold.
SmallVector<QuantizedGroup> quantizeGroups(KernelBuilder &k, ArrayRef<Value> groups) {
  SmallVector<Value> largest, steps, tops;
  for (Value values : groups)
    largest.push_back(largestMagnitude(k, values));
  for (auto [values, most] : llvm::zip_equal(groups, largest)) {
    Value finest = k.divf(most, k.f32(kMaxActivation));
    // Where it is zero, so are all numbers, or so small that they round to zero when divided by one.
    Value divisor = k.select(k.cmp(KernelBuilder::FCmp::OEQ, finest, k.f32(0)), k.f32(1), finest);
    steps.push_back(k.divf(values, k.splat(divisor, KernelBuilder::lanes(values))));
  }
  for (Value some : steps)
    tops.push_back(bestTop(k, some));
  SmallVector<QuantizedGroup> quantized;
  for (auto [some, most, top] : llvm::zip_equal(steps, largest, tops))
    quantized.push_back({codesOf(k, scaledSteps(k, some, k.divf(top, k.f32(kMaxActivation)))), k.divf(most, top)});
  return quantized;
}

//===--- groups -------------------------------------------------------------===//

int64_t blockOf(const Quantization &shape) { return std::max(shape.group, shape.sumGroup); }

/// A block of columns that starts at `column`, its groups quantized.
void storeBlock(KernelBuilder &k, const Quantization &shape, ArrayRef<QuantizedGroup> groups, const QuantizedRow &out,
                Value column) {
  Value codes = k.offset(out.codes, k.mul(column, shape.out.interleaved));
  Value scales = k.at(out.scales, k.f32(), k.mul(k.divu(column, shape.group), shape.out.numbersOfGroup()));
  Value sums = k.at(out.sums, k.i32(), k.mul(k.divu(column, shape.sumGroup), shape.out.numbersOfGroup()));
  SmallVector<Value> partial(blockOf(shape) / shape.sumGroup);
  for (auto [index, quantized] : llvm::enumerate(groups)) {
    int64_t start = int64_t(index) * shape.group, piece = std::min(shape.group, shape.sumGroup);
    storeNumber(k, shape, quantized.scale, k.at(scales, k.f32(), shape.out.numberOffset(0, index)));
    storeCodes(k, shape, quantized.codes, k.offset(codes, shape.out.codeOffset(0, start)));
    for (int64_t first = 0; first < shape.group; first += piece) {
      Value &sum = partial[(start + first) / shape.sumGroup];
      Value some = k.sext(k.slice(quantized.codes, first, piece), k.i16());
      Value part = k.sext(k.reduceAdd(some), k.i32()); // at most 127 · 32
      sum = sum ? k.add(sum, part) : part;
    }
  }
  for (auto [index, sum] : llvm::enumerate(partial))
    storeNumber(k, shape, sum, k.at(sums, k.i32(), shape.out.numberOffset(0, index)));
}

/// `count` blocks of columns from block `first` on.
void emitBlocks(KernelBuilder &k, const Quantization &shape, const RowNumbers &numbers, const QuantizedRow &out,
                Value first, int64_t count) {
  Value column = k.mul(first, blockOf(shape));
  SmallVector<Value> values;
  Value all = numbers(column, count * blockOf(shape));
  for (int64_t at = 0; at < count * blockOf(shape); at += shape.group)
    values.push_back(k.slice(all, at, shape.group));
  SmallVector<QuantizedGroup> groups = quantizeGroups(k, values);
  int64_t each = blockOf(shape) / shape.group;
  for (int64_t block = 0; block < count; ++block)
    storeBlock(k, shape, ArrayRef(groups).slice(block * each, each), out, k.add(column, block * blockOf(shape)));
}

/// Blocks that are quantized side by side. (Cycles a group of 32 on Zen 3, by llvm-mca: 106 alone, 84 by two, 90 by
/// four.)
constexpr int64_t kBlocksTogether = 2;

/// Rows with a scale for each group: items are blocks of rows, and the first and the last row may be shared.
void emitGroups(KernelBuilder &k, const Quantization &shape, const RowSource &source, ValueRange outs, Value n,
                Value tid, Value nthreads) {
  int64_t blocks = shape.width / blockOf(shape);
  auto [low, high] = k.share(k.mul(n, blocks), tid, nthreads);
  Value first = k.divu(low, blocks), end = k.divu(k.add(high, blocks - 1), blocks);
  end = k.select(k.slt(low, high), end, first); // opening a row may mean to sum it up
  k.loop(first, end, 1, [&, low = low, high = high](Value m) {
    RowNumbers numbers = source(m);
    QuantizedRow out = rowOf(k, shape, outs, m);
    Value start = k.mul(m, blocks);
    Value from = k.maxs(k.sub(low, start), k.i64(0)), to = k.mins(k.sub(high, start), blocks);
    Value whole = k.add(from, k.mul(k.divs(k.sub(to, from), kBlocksTogether), kBlocksTogether));
    k.loop(from, whole, kBlocksTogether,
           [&](Value block) { emitBlocks(k, shape, numbers, out, block, kBlocksTogether); });
    k.loop(whole, to, 1, [&](Value block) { emitBlocks(k, shape, numbers, out, block, 1); });
  });
}

//===--- whole rows ---------------------------------------------------------===//

/// Columns that are read at once of a row that has one scale.
constexpr int64_t kPiece = 32;

/// The largest magnitude of a row of whole pieces.
Value largestOfRow(KernelBuilder &k, const RowNumbers &numbers, int64_t width) {
  Type bitsType = k.vec(k.i32(), kPiece);
  auto largest = k.loop(k.i64(0), k.i64(width), kPiece, {k.zero(bitsType)}, [&](Value column, ValueRange carried) {
    Value bits = k.bitcast(numbers(column, kPiece), bitsType);
    return KernelBuilder::Values{k.maxs(carried[0], k.bitAnd(bits, 0x7fffffff))};
  });
  return largestMagnitude(k, k.bitcast(largest[0], k.vec(k.f32(), kPiece)));
}

/// Rows with one scale: the largest number becomes the code 127.
void emitRows(KernelBuilder &k, const Quantization &shape, const RowSource &source, ValueRange outs, Value n, Value tid,
              Value nthreads) {
  auto [low, high] = k.share(n, tid, nthreads);
  k.loop(low, high, 1, [&](Value m) {
    RowNumbers numbers = source(m);
    QuantizedRow out = rowOf(k, shape, outs, m);
    Value scale = k.divf(largestOfRow(k, numbers, shape.group), k.f32(kMaxActivation));
    storeNumber(k, shape, scale, out.scales);
    Value divisor = k.select(k.cmp(KernelBuilder::FCmp::OEQ, scale, k.f32(0)), k.f32(1), scale);
    k.loop(k.i64(0), k.i64(shape.group), kPiece, [&](Value column) {
      Value q = k.roundToInt(k.divf(numbers(column, kPiece), k.splat(divisor, kPiece)), k.i32());
      q = k.mins(k.maxs(q, -kMaxActivation), kMaxActivation);
      storeCodes(k, shape, q, k.offset(out.codes, k.mul(column, shape.out.interleaved)));
      Value first = k.at(out.sums, k.i32(), k.mul(k.divu(column, shape.sumGroup), shape.out.numbersOfGroup()));
      for (int64_t piece = 0; piece < kPiece / shape.sumGroup; ++piece)
        storeNumber(k, shape, k.reduceAdd(k.slice(q, piece * shape.sumGroup, shape.sumGroup)),
                    k.at(first, k.i32(), shape.out.numberOffset(0, piece)));
    });
  });
}

/// Columns of an output, which the verifier has found to be a matrix of the right shape.
FailureOr<int64_t> columnsOf(Operation *op, Value buffer, StringRef name, Type element) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || type.getElementType() != element || failed(requireContiguous(op, buffer, name)))
    return op->emitOpError() << name << " must be a contiguous memref of " << element << ", but is "
                             << buffer.getType();
  return type.getDimSize(1);
}

} // namespace

int64_t Quantization::mostTogether() const { return hasRowScale() ? kPiece : kBlocksTogether * blockOf(*this); }

bool Quantization::hasRowScale() const { return group > mpgemm::kActivationGroup && group == width; }

std::string Quantization::name() const {
  std::string text = llvm::formatv("{0}_g{1}_s{2}", width, group, sumGroup);
  if (out.joinsHalves)
    text += "_j";
  return out.isInterleaved() ? text + "_i" + std::to_string(out.interleaved) : text;
}

FailureOr<Quantization> Quantization::get(Operation *op, int64_t width, int64_t group, int64_t sumGroup,
                                          bool joinsHalves, ValueRange outs) {
  if (outs.size() != 3)
    return op->emitOpError("has no buffers to fill; kernels are emitted for the buffer form");
  Builder b(op->getContext());
  FailureOr<int64_t> codes = columnsOf(op, outs[0], "codes", b.getI8Type());
  if (failed(codes) || failed(columnsOf(op, outs[1], "scales", b.getF32Type())) ||
      failed(columnsOf(op, outs[2], "sums", b.getI32Type())))
    return failure();
  Quantization shape{width, group, sumGroup, {width, *codes / width, joinsHalves}};
  bool isRow = shape.hasRowScale();
  if (isRow && (group % kPiece != 0 || kPiece % sumGroup != 0))
    return op->emitOpError() << "needs rows of a multiple of " << kPiece << " columns and a sum_group that divides "
                             << kPiece << ", but has " << group << " and " << sumGroup;
  if (!isRow && (!llvm::isPowerOf2_64(group) || group > mpgemm::kActivationGroup))
    return op->emitOpError() << "needs a group that is a power of two up to " << mpgemm::kActivationGroup
                             << ", or the row, but has " << group;
  if (!isRow && group % sumGroup != 0 && sumGroup % group != 0)
    return op->emitOpError() << "needs a sum_group that divides the group or is a multiple of it, but has " << group
                             << " and " << sumGroup;
  if (shape.out.isInterleaved() && (group < kPiece || width % kPiece != 0))
    return op->emitOpError() << "interleaves groups of " << kPiece << " columns or more, but has " << group;
  return shape;
}

void emitQuantization(KernelBuilder &k, const Quantization &shape, const RowSource &source, ValueRange outs, Value n,
                      Value tid, Value nthreads) {
  if (shape.hasRowScale())
    return emitRows(k, shape, source, outs, n, tid, nthreads);
  emitGroups(k, shape, source, outs, n, tid, nthreads);
}

} // namespace nibble
