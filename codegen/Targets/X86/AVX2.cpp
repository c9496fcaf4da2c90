//===- AVX2.cpp - vpmaddubsw and vpmaddwd, exact --------------------------===//
//
// See AVX2.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/AVX2.h"

#include <limits>

using namespace mlir;

namespace nibble {

/// Quads whose sums of pairs fit 16 bits together.
static int64_t quadsIn16Bits(WeightCodes codes) {
  int64_t largest = codes.isSigned ? 128 : (int64_t(1) << codes.bits) - 1;
  return std::numeric_limits<int16_t>::max() / (2 * largest * kMaxActivation);
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
static bool isNarrow(const DotRun &run) { return run.quads <= quadsIn16Bits(run.codes); }

Value X86AVX2::start(KernelBuilder &k, const DotRun &run, Value codeSums) const {
  return isNarrow(run) ? k.zero(k.vec(k.i16(), 2 * run.lanes)) : DotEmitter::start(k, run, codeSums);
}

Value X86AVX2::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                        ValueRange activations) const {
  bool narrow = isNarrow(run);
  Value words;
  int64_t pending = 0;
  for (auto [weight, activation] : llvm::zip_equal(weights, activations)) {
    Value added = products(k, weight, activation, run.codes);
    words = words ? k.add(words, added) : added;
    if (narrow || ++pending < quadsIn16Bits(run.codes))
      continue;
    sum = k.add(sum, widen(k, words));
    words = nullptr, pending = 0;
  }
  if (!words)
    return sum;
  return k.add(sum, narrow ? words : widen(k, words));
}

Value X86AVX2::finish(KernelBuilder &k, const DotRun &run, Value sum, Value codeSums, Value scale) const {
  if (!isNarrow(run))
    return DotEmitter::finish(k, run, sum, codeSums, scale);
  if (!scale) {
    sum = widen(k, sum);
    return codeSums ? k.sub(sum, k.mul(codeSums, run.codes.offset)) : sum;
  }
  // Scales have eight bits, so that scale · offset has at most 16; the sum of a run has 13. The upper words of the
  // latter are masked away, and what stands beside scale · offset is multiplied by zero.
  Type words = k.vec(k.i16(), 2 * run.lanes);
  Value low = k.bitAnd(scale, 0xffff);
  sum = widen(k, sum, k.bitcast(k.bitOr(low, k.shl(low, 16)), words));
  if (!codeSums)
    return sum;
  return k.sub(sum, widen(k, k.bitcast(k.bitAnd(codeSums, 0xffff), words),
                          k.bitcast(k.mul(scale, run.codes.offset), words)));
}

} // namespace nibble
