//===- WideningMultiply.cpp - smlal and sadalp ----------------------------===//
//
// See WideningMultiply.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/WideningMultiply.h"

#include <limits>

using namespace mlir;

namespace nibble {

/// Quads whose sums fit 16 bits together.
static int64_t quadsIn16Bits(WeightCodes codes) {
  int64_t largest = codes.isSigned ? int64_t(1) << (codes.bits - 1) : (int64_t(1) << codes.bits) - 1;
  return std::numeric_limits<int16_t>::max() / (largest * kMaxActivation);
}

/// Products of eight bytes.
static Value products(KernelBuilder &k, Value weights, Value activations, int64_t first) {
  return k.intrinsic("llvm.aarch64.neon.smull", k.vec(k.i16(), 8),
                     {k.slice(weights, first, 8), k.slice(activations, first, 8)});
}

/// Adds neighbours: words to the i32 lanes of a register.
static Value addNeighbours(KernelBuilder &k, Value sum, Value words) {
  return k.add(sum, k.intrinsic("llvm.aarch64.neon.saddlp", k.vec(k.i32(), 4), {words}));
}

/// Two or four quads by one load, of which each takes a lane: LD1R loads one, and has no offset, so that an addition
/// comes with it. LLVM shall not know that both halves of a register are the same: it would take the upper half of each
/// weight apart instead of multiplying it by SMULL2.
KernelBuilder::Values AArch64WideningMultiply::loadActivations(KernelBuilder &k, const DotRun &run, Value codes,
                                                               int64_t quads) const {
  int64_t together = quads % 4 == 0 ? 4 : quads % 2 == 0 ? 2 : 1;
  KernelBuilder::Values operands;
  for (int64_t quad = 0; quad < quads; quad += together) {
    Value loaded = k.load(k.vec(k.i32(), together), k.offset(codes, run.stepBytes * quad), 1);
    for (int64_t lane = 0; lane < together; ++lane) {
      Value splat = k.shuffle(loaded, loaded, SmallVector<int64_t>(run.lanes, lane));
      operands.push_back(hidden(k, k.bitcast(splat, k.vec(k.i8(), 4 * run.lanes))));
    }
  }
  return operands;
}

/// Whether the words of a whole run fit: then they are the sum.
static bool isNarrow(const DotRun &run) { return run.quads <= quadsIn16Bits(run.codes); }

/// As many quads must be added in 16 bits as without the zeros.
unsigned AArch64WideningMultiply::widestInPlace(const DotRun &run) const { return widestOf(run, quadsIn16Bits); }

Value AArch64WideningMultiply::start(KernelBuilder &k, const DotRun &run, Value codeSums) const {
  return k.zero(isNarrow(run) ? k.vec(k.i16(), 4 * run.lanes) : k.vec(k.i32(), 2 * run.lanes));
}

Value AArch64WideningMultiply::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                                        ValueRange activations) const {
  bool narrow = isNarrow(run);
  auto widened = [&](Value sum, Value words) { // or LLVM takes sums of straight code apart, and keeps the words of each
    Value bytes = k.bitcast(addNeighbours(k, sum, words), k.vec(k.i8(), 16));
    return k.bitcast(hidden(k, bytes), sum.getType());
  };
  Value result;
  for (int64_t part = 0; part < run.lanes / 2; ++part) { // a register of words is two weight rows
    Value acc = narrow ? k.slice(sum, 8 * part, 8) : k.slice(sum, 4 * part, 4), words;
    int64_t pending = 0;
    for (auto [weight, activation] : llvm::zip_equal(weights, activations)) {
      Value added = products(k, weight, activation, 8 * part);
      words = words ? k.add(words, added) : narrow ? k.add(acc, added) : added;
      if (narrow || ++pending < quadsIn16Bits(run.codes))
        continue;
      acc = widened(acc, words);
      words = nullptr, pending = 0;
    }
    if (words)
      acc = narrow ? words : widened(acc, words);
    result = result ? k.concat(result, acc) : acc;
  }
  return result;
}

Value AArch64WideningMultiply::finish(KernelBuilder &k, const DotRun &run, Value sum, Value codeSums) const {
  Value low = sum, high;
  if (isNarrow(run)) {
    Type pairs = k.vec(k.i32(), 4);
    low = k.intrinsic("llvm.aarch64.neon.saddlp", pairs, {k.slice(sum, 0, 8)});
    high = k.intrinsic("llvm.aarch64.neon.saddlp", pairs, {k.slice(sum, 8, 8)});
  } else {
    low = k.slice(sum, 0, 4), high = k.slice(sum, 4, 4);
  }
  Value total = k.intrinsic("llvm.aarch64.neon.addp", k.vec(k.i32(), 4), {low, high});
  if (codeSums)
    total = k.sub(total, k.mul(codeSums, run.codes.offset));
  return DotEmitter::finish(k, run, total, codeSums);
}

} // namespace nibble
