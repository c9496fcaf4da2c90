//===- MatrixMultiply.cpp - smmla -----------------------------------------===//
//
// See MatrixMultiply.h. A register holds two weight rows for each of its 128 bits;
// vectors of more are taken register by register.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/MatrixMultiply.h"

#include "codegen/Targets/AArch64/Scalable.h"

using namespace mlir;

namespace nibble {

KernelBuilder::Values AArch64MatrixMultiply::loadActivations(KernelBuilder &k, const DotRun &run, ValueRange rows,
                                                             int64_t quads) const {
  // A pair of rows is loaded two steps at once and interleaved; a single row is loaded into both halves.
  KernelBuilder::Values operands;
  for (int64_t quad = 0; quad < quads; ++quad) {
    Value pair;
    if (rows.size() == 1) {
      pair = k.splat(k.load(k.i64(), k.offset(rows.front(), 8 * quad), 1), 2);
    } else {
      int64_t together = std::min<int64_t>(2, quads - quad / 2 * 2), at = 8 * (quad / 2 * 2);
      Value first = k.load(k.vec(k.i64(), together), k.offset(rows.front(), at), 1);
      Value second = k.load(k.vec(k.i64(), together), k.offset(rows.back(), at), 1);
      pair = k.shuffle(first, second, {quad % 2, together + quad % 2});
    }
    Value operand = k.bitcast(pair, k.vec(k.i8(), 16));
    operands.push_back(sveBits ? repeatFirstPart(k, toScalable(k, operand)) : operand);
  }
  return operands;
}

Value AArch64MatrixMultiply::start(KernelBuilder &k, const DotRun &run, Value codeSums) const {
  Value sum = DotEmitter::start(k, run, codeSums);
  if (run.strip == 2)
    return sum;
  // Two lanes a weight row; the first starts with what the offsets take away.
  SmallVector<int64_t> mask;
  for (int64_t row = 0; row < run.lanes; ++row)
    mask.append({row, run.lanes + row});
  return k.shuffle(sum, k.zero(sum.getType()), mask);
}

Value AArch64MatrixMultiply::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                                      ValueRange activations) const {
  int64_t sums = registerBits() / 32, bytes = registerBits() / 8;
  auto one = [&](Value acc, Value rows, Value activation) {
    if (run.strip == 2)
      return sveBits ? accumulateScalable(k, "llvm.aarch64.sve.smmla", acc, {activation, rows})
                     : k.intrinsic("llvm.aarch64.neon.smmla", acc.getType(), {acc, activation, rows});
    return sveBits ? accumulateScalable(k, "llvm.aarch64.sve.sdot", acc, {rows, activation})
                   : k.intrinsic("llvm.aarch64.neon.sdot", acc.getType(), {acc, rows, activation});
  };
  Value result;
  for (int64_t part = 0; part < KernelBuilder::lanes(sum) / sums; ++part) {
    Value acc = k.slice(sum, part * sums, sums);
    for (auto [weight, activation] : llvm::zip_equal(weights, activations))
      acc = one(acc, k.slice(weight, part * bytes, bytes), activation);
    result = result ? k.concat(result, acc) : acc;
  }
  return result;
}

Value AArch64MatrixMultiply::finish(KernelBuilder &k, const DotRun &run, Value sum, Value codeSums,
                                    Value scale) const {
  if (run.strip == 1) { // LLVM makes addp of it where there is one
    SmallVector<int64_t> even, odd;
    for (int64_t row = 0; row < run.lanes; ++row)
      even.push_back(2 * row), odd.push_back(2 * row + 1);
    sum = k.add(k.shuffle(sum, sum, even), k.shuffle(sum, sum, odd));
  }
  return DotEmitter::finish(k, run, sum, codeSums, scale);
}

Value AArch64MatrixMultiply::alternate(KernelBuilder &k, const DotRun &run, Value first, Value second) const {
  if (!sveBits)
    return DotEmitter::alternate(k, run, first, second);
  // One part is built with NEON and repeated: a shuffle of long vectors would go through memory.
  Value part = toScalable(k, k.shuffle(k.splat(first, 4), k.splat(second, 4), {0, 1, 4, 5}));
  Value whole = k.intrinsic("llvm.vector.extract", k.vec(first.getType(), registerBits() / 32),
                            {repeatFirstPart(k, part), k.i64(0)});
  while (KernelBuilder::lanes(whole) < run.sums())
    whole = k.concat(whole, whole);
  return whole;
}

} // namespace nibble
