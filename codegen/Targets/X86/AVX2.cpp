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

/// Sums of pairs of words, i32.
static Value widen(KernelBuilder &k, Value words) {
  Type type = k.vec(k.i32(), KernelBuilder::lanes(words) / 2);
  return k.intrinsic("llvm.x86.avx2.pmadd.wd", type, {words, k.constant(words.getType(), int64_t(1))});
}

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

Value X86AVX2::start(KernelBuilder &k, int64_t lanes, int64_t quads, WeightCodes codes) const {
  return k.zero(quads <= quadsIn16Bits(codes) ? k.vec(k.i16(), 2 * lanes) : k.vec(k.i32(), lanes));
}

Value X86AVX2::multiply(KernelBuilder &k, Value sum, ValueRange weights, ValueRange activations,
                        WeightCodes codes) const {
  bool narrow = cast<VectorType>(sum.getType()).getElementType() == k.i16();
  Value words;
  int64_t pending = 0;
  for (auto [weight, activation] : llvm::zip_equal(weights, activations)) {
    Value added = products(k, weight, activation, codes);
    words = words ? k.add(words, added) : added;
    if (narrow || ++pending < quadsIn16Bits(codes))
      continue;
    sum = k.add(sum, widen(k, words));
    words = nullptr, pending = 0;
  }
  if (!words)
    return sum;
  return k.add(sum, narrow ? words : widen(k, words));
}

Value X86AVX2::finish(KernelBuilder &k, Value sum) const {
  return cast<VectorType>(sum.getType()).getElementType() == k.i16() ? widen(k, sum) : sum;
}

} // namespace nibble
