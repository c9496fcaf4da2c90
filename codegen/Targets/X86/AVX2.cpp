//===- AVX2.cpp - vpmaddubsw and vpmaddwd, exact --------------------------===//
//
// See AVX2.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/AVX2.h"

#include "llvm/ADT/bit.h"

#include <limits>

using namespace mlir;

namespace nibble {

/// Quads whose sums of pairs of products with numbers up to `largest` fit 16 bits together.
static int64_t quadsIn16Bits(int64_t largest) {
  return std::numeric_limits<int16_t>::max() / (2 * largest * kMaxActivation);
}

static int64_t quadsOfCodes(WeightCodes codes) {
  return quadsIn16Bits(codes.isSigned ? 128 : (int64_t(1) << codes.bits) - 1);
}

/// Sums of pairs of words, i32, each word times the one of `factors`.
static Value widen(KernelBuilder &k, Value words, Value factors) {
  Type type = k.vec(k.i32(), KernelBuilder::lanes(words) / 2);
  return k.intrinsic("llvm.x86.avx2.pmadd.wd", type, {words, factors});
}
static Value widen(KernelBuilder &k, Value words) { return widen(k, words, k.constant(words.getType(), int64_t(1))); }

/// Products of a quad, added in pairs, i16.
static Value products(KernelBuilder &k, Value weights, Value activations, WeightCodes codes) {
  Type words = k.vec(k.i16(), KernelBuilder::lanes(weights) / 2);
  if (codes.isSigned) {
    // psign(a, w) is a, 0 or -a by the sign of w; the magnitude of -128 is 128 as an unsigned byte.
    activations = k.intrinsic("llvm.x86.avx2.psign.b", weights.getType(), {activations, weights});
    Value negative = k.cmp(KernelBuilder::ICmp::slt, weights, k.zero(weights.getType()));
    weights = k.select(negative, k.sub(k.zero(weights.getType()), weights), weights);
  }
  return k.intrinsic("llvm.x86.avx2.pmadd.ub.sw", words, {weights, activations});
}

/// Whether the words of a whole run fit: then they are the sum.
static bool isNarrow(const DotRun &run) {
  return run.hasStarts || run.quads <= quadsOfCodes(run.codes);
}

/// Words that are widened in between should be as full as they can be.
int64_t X86AVX2::quadsTogether(const DotRun &run) const { return isNarrow(run) ? 1 : quadsOfCodes(run.codes); }

/// Words of a run must fit as they do without the zeros.
unsigned X86AVX2::widestInPlace(const DotRun &run) const { return widestOf(run, quadsOfCodes); }

/// Words in turns, of numbers that fit them.
static Value inTurns(KernelBuilder &k, Value first, Value second, Type type) {
  return k.bitcast(k.bitOr(k.bitAnd(first, 0xffff), k.shl(second, 16)), type);
}

/// The scale in both words of a lane.
Value X86AVX2::integerScale(KernelBuilder &k, const DotRun &run, Value scale) const {
  return inTurns(k, scale, scale, scaleType(k, run));
}

/// The words of a quad are products of the first half's columns and of the second's.
Value X86AVX2::joinedScales(KernelBuilder &k, const DotRun &run, Value first, Value second) const {
  return inTurns(k, first, second, scaleType(k, run));
}

Value X86AVX2::pairedOffsets(KernelBuilder &k, const DotRun &run, Value first, Value second) const {
  return inTurns(k, k.mul(first, -run.codes.offset), k.mul(second, -run.codes.offset), scaleType(k, run));
}

Value X86AVX2::addOffsets(KernelBuilder &k, Value sum, Value offsets, Value pair) const {
  return k.add(sum, widen(k, k.bitcast(pair, offsets.getType()), offsets));
}

/// vpmaddwd has multiplied by the scale before anything is added.
bool X86AVX2::goesOn(const DotRun &run) const { return run.scale && !isNarrow(run); }

/// Widened, times the scale of the run.
static Value widenScaled(KernelBuilder &k, const DotRun &run, Value words) {
  return run.scale ? widen(k, words, run.scale) : widen(k, words);
}

/// Quads whose words start with what the offset takes away.
static int64_t quadsFromStart(WeightCodes codes) {
  int64_t largest = codes.largest ? codes.largest : (int64_t(1) << codes.bits) - 1;
  return quadsIn16Bits(std::max(codes.offset, largest - codes.offset));
}

/// A run with an offset as a whole, if its words fit; otherwise parts, where words are widened half as often, and twice
/// less at least. Bytes without an offset are taken less their middle then.
DotRun X86AVX2::partOf(const DotRun &run) const {
  DotRun part = run;
  part.quads = 0;
  if (run.codes.isSigned || run.codes.bits > 7)
    return part;
  bool hasOffset = run.codes.offset > 0;
  if (!hasOffset)
    part.codes.offset = int64_t(1) << (run.codes.bits - 1);
  int64_t fitting = llvm::bit_floor(uint64_t(quadsFromStart(part.codes))), quads = std::min(run.quads, fitting);
  bool isWhole = hasOffset && quads == run.quads;
  if (isWhole || (quads && run.quads / quads + 2 <= run.quads / quadsOfCodes(run.codes)))
    part.quads = quads;
  return part;
}

/// The words of a lane: sums of columns 4q, 4q + 1 and of 4q + 2, 4q + 3.
Value X86AVX2::starts(KernelBuilder &k, const DotRun &run, Value codes) const {
  constexpr int64_t kBytes = 32;
  Value lanes;
  for (int64_t first = 0; first < KernelBuilder::lanes(codes); first += kBytes) {
    Value some = k.slice(codes, first, kBytes), ones = k.constant(some.getType(), int64_t(1));
    Value words = k.intrinsic("llvm.x86.avx2.pmadd.ub.sw", k.vec(k.i16(), kBytes / 2), {ones, some});
    Value pairs = k.bitcast(words, k.vec(k.i32(), kBytes / 4));
    lanes = lanes ? k.concat(lanes, pairs) : pairs;
  }
  auto addWords = [&](Value a, Value b) {
    Type words = k.vec(k.i16(), 2 * KernelBuilder::lanes(a));
    return k.bitcast(k.add(k.bitcast(a, words), k.bitcast(b, words)), a.getType());
  };
  for (int64_t quads = run.quads; quads > 1; quads /= 2) {
    SmallVector<int64_t> even, odd;
    for (int64_t lane = 0; lane < KernelBuilder::lanes(lanes); lane += 2)
      even.push_back(lane), odd.push_back(lane + 1);
    lanes = addWords(k.shuffle(lanes, lanes, even), k.shuffle(lanes, lanes, odd));
  }
  Value words = k.bitcast(lanes, k.vec(k.i16(), 2 * KernelBuilder::lanes(lanes)));
  return k.bitcast(k.mul(words, -run.codes.offset), lanes.getType());
}

Value X86AVX2::start(KernelBuilder &k, const DotRun &run, Value codeSums) const {
  if (run.hasStarts)
    return k.bitcast(codeSums, k.vec(k.i16(), 2 * run.lanes));
  if (isNarrow(run))
    return k.zero(k.vec(k.i16(), 2 * run.lanes));
  return DotEmitter::start(k, run, run.scale ? Value() : codeSums);
}

Value X86AVX2::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                        ValueRange activations) const {
  bool narrow = isNarrow(run);
  Value words;
  int64_t pending = 0;
  for (auto [weight, activation] : llvm::zip_equal(weights, activations)) {
    Value added = products(k, weight, activation, run.codes);
    words = words ? k.add(words, added) : added;
    if (narrow || ++pending < quadsOfCodes(run.codes))
      continue;
    sum = k.add(sum, widenScaled(k, run, words));
    words = nullptr, pending = 0;
  }
  if (!words)
    return sum;
  return k.add(sum, narrow ? words : widenScaled(k, run, words));
}

Value X86AVX2::finish(KernelBuilder &k, const DotRun &run, Value sum, Value codeSums) const {
  if (isNarrow(run))
    sum = widenScaled(k, run, sum);
  else if (!run.scale)
    return sum; // the offsets were there from the start
  if (!codeSums || run.hasStarts)
    return sum;
  if (!run.scale)
    return k.add(sum, k.mul(codeSums, -run.codes.offset));
  // Scales have eight bits, so that scale · offset has at most 16; the sum of a run has 13. The upper words of the
  // latter are masked away, and what stands beside scale · offset is multiplied by zero.
  Value words = k.bitcast(k.bitAnd(codeSums, 0xffff), run.scale.getType());
  return k.sub(sum, widen(k, words, k.mul(run.scale, run.codes.offset)));
}

} // namespace nibble
