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

/// Adds the words of `narrow` to `wide`.
static void widen(KernelBuilder &k, DotSum &sum) {
  Type type = k.vec(k.i32(), KernelBuilder::lanes(sum.narrow) / 2);
  Value ones = k.constant(sum.narrow.getType(), int64_t(1));
  Value added = k.intrinsic("llvm.x86.avx2.pmadd.wd", type, {sum.narrow, ones});
  sum.wide = sum.wide ? k.add(sum.wide, added) : added;
  sum.narrow = nullptr;
  sum.pending = 0;
}

void X86AVX2::multiply(KernelBuilder &k, DotSum &sum, Value weights, Value activations, WeightCodes codes) const {
  Type words = k.vec(k.i16(), KernelBuilder::lanes(weights) / 2);
  if (codes.isSigned) {
    // psign(a, w) is a, 0 or -a by the sign of w; the magnitude of -128 is 128 as an unsigned byte.
    activations = k.intrinsic("llvm.x86.avx2.psign.b", weights.getType(), {activations, weights});
    Value negative = k.cmp(KernelBuilder::ICmp::slt, weights, k.zero(weights.getType()));
    weights = k.select(negative, k.sub(k.zero(weights.getType()), weights), weights);
  }
  Value products = k.intrinsic("llvm.x86.avx2.pmadd.ub.sw", words, {weights, activations});
  sum.narrow = sum.narrow ? k.add(sum.narrow, products) : products;
  if (++sum.pending == quadsIn16Bits(codes))
    widen(k, sum);
}

Value X86AVX2::sum(KernelBuilder &k, DotSum &sum) const {
  if (sum.narrow)
    widen(k, sum);
  return sum.wide;
}

} // namespace nibble
