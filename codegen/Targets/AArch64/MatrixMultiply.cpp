//===- MatrixMultiply.cpp - smmla -----------------------------------------===//
//
// See MatrixMultiply.h. A register holds two weight rows for each of its 128 bits;
// vectors of more are taken register by register.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/MatrixMultiply.h"

#include "codegen/Targets/AArch64/Scalable.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nibble {

/// `count` registers of a type by one instruction.
static KernelBuilder::Values loadRegisters(KernelBuilder &k, StringRef intrinsic, Type type, int64_t count,
                                           Value pointer) {
  SmallVector<Type> types(count, type);
  Value loaded = k.intrinsic(intrinsic, LLVM::LLVMStructType::getLiteral(type.getContext(), types), {pointer});
  KernelBuilder::Values registers;
  for (int64_t i = 0; i < count; ++i)
    registers.push_back(LLVM::ExtractValueOp::create(k.builder(), k.location(), loaded, i));
  return registers;
}

KernelBuilder::Values AArch64MatrixMultiply::loadActivations(KernelBuilder &k, const DotRun &run, Value codes,
                                                             int64_t quads) const {
  // A pair's columns stand side by side; those of a single row are loaded into both halves.
  if (run.strip == 2 && quads == 4 && !sveBits) // Arm ARM, LD1 (multiple structures)
    return loadRegisters(k, "llvm.aarch64.neon.ld1x4", k.vec(k.i8(), 16), 4, codes);
  KernelBuilder::Values operands;
  if (run.strip == 1 && run.stepBytes == 8 && quads % 4 == 0 && !sveBits) { // four steps: Arm ARM, LD4R
    for (int64_t quad = 0; quad < quads; quad += 4)
      for (Value step : loadRegisters(k, "llvm.aarch64.neon.ld4r", k.vec(k.i64(), 2), 4, k.offset(codes, 8 * quad)))
        operands.push_back(k.bitcast(step, k.vec(k.i8(), 16)));
    return operands;
  }
  if (run.strip == 1 && run.stepBytes == 8 && quads % 2 == 0 && !sveBits) { // two steps by one load
    for (int64_t quad = 0; quad < quads; quad += 2) {
      Value two = k.load(k.vec(k.i64(), 2), k.offset(codes, 8 * quad), 1);
      for (int64_t half : {0, 1})
        operands.push_back(k.bitcast(k.shuffle(two, two, {half, half}), k.vec(k.i8(), 16)));
    }
    return operands;
  }
  for (int64_t quad = 0; quad < quads; ++quad) {
    Value at = k.offset(codes, run.stepBytes * quad);
    Value operand = run.strip == 2 ? k.load(k.vec(k.i8(), 16), at, 1)
                                   : k.bitcast(k.splat(k.load(k.i64(), at, 1), 2), k.vec(k.i8(), 16));
    operands.push_back(sveBits ? repeatFirstPart(k, toScalable(k, operand)) : operand);
  }
  return operands;
}

/// Both pairs of weight rows of two quads by one load.
KernelBuilder::Values AArch64MatrixMultiply::loadWeights(KernelBuilder &k, const DotRun &run, Value codes,
                                                         int64_t bytes, int64_t count) const {
  if (sveBits || bytes != 32 || count != 2)
    return DotEmitter::loadWeights(k, run, codes, bytes, count);
  KernelBuilder::Values pairs = loadRegisters(k, "llvm.aarch64.neon.ld1x4", k.vec(k.i8(), 16), 4, codes);
  return {k.concat(pairs[0], pairs[1]), k.concat(pairs[2], pairs[3])};
}

/// Both pairs of rows by one load: Arm ARM, LD2R.
Value AArch64MatrixMultiply::loadSpread(KernelBuilder &k, const DotRun &run, Value pointer) const {
  if (sveBits || run.lanes != 4)
    return DotEmitter::loadSpread(k, run, pointer);
  KernelBuilder::Values pairs = loadRegisters(k, "llvm.aarch64.neon.ld2r", k.vec(k.i64(), 2), 2, pointer);
  Type type = k.vec(k.f32(), 4);
  return k.concat(k.bitcast(pairs[0], type), k.bitcast(pairs[1], type));
}

KernelBuilder::Values AArch64MatrixMultiply::loadFours(KernelBuilder &k, Value pointer, int64_t count) const {
  if (count == 4 && !sveBits)
    return loadRegisters(k, "llvm.aarch64.neon.ld1x4", k.vec(k.f32(), 4), count, pointer);
  KernelBuilder::Values fours = DotEmitter::loadFours(k, pointer, count);
  return count == 2 && !sveBits ? inPair(k, fours) : fours;
}

/// A multiply-add of complex numbers (Arm ARM, FCMLA) in its two halves: of two weight rows (w, v) and an activation
/// row's sums (s, t) of both groups the first adds s·(w, v), with rotation 90 the second adds t·(-v', w').
Value AArch64MatrixMultiply::pairedMinima(KernelBuilder &k, Value sum, Value first, Value second, Value sums) const {
  Value result;
  for (int64_t part = 0; part < KernelBuilder::lanes(sum); part += 4) {
    Value acc = k.slice(sum, part, 4);
    acc = k.intrinsic("llvm.aarch64.neon.vcmla.rot0", acc.getType(), {acc, sums, k.slice(first, part, 4)});
    acc = k.intrinsic("llvm.aarch64.neon.vcmla.rot90", acc.getType(), {acc, sums, k.slice(second, part, 4)});
    result = result ? k.concat(result, acc) : acc;
  }
  return result;
}

Value AArch64MatrixMultiply::swappedMinima(KernelBuilder &k, Value minima) const {
  SmallVector<int64_t> mask;
  for (int64_t row = 0; row < KernelBuilder::lanes(minima); row += 2) // minus the first, at the second's place
    mask.append({row + 1, KernelBuilder::lanes(minima) + row});
  return k.shuffle(minima, k.negf(minima), mask);
}

Value AArch64MatrixMultiply::start(KernelBuilder &k, const DotRun &run, Value codeSums) const {
  Value sum = DotEmitter::start(k, run, codeSums);
  if (run.strip == 2)
    return sum;
  // Two lanes a weight row; the first starts with what the offsets take away: an i64 of it. (A shuffle with zeros of
  // vectors longer than NEON's would go through memory.)
  return k.bitcast(k.zext(sum, k.i64()), k.vec(k.i32(), 2 * run.lanes));
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

Value AArch64MatrixMultiply::finish(KernelBuilder &k, const DotRun &run, Value sum, Value codeSums) const {
  if (run.strip == 1) { // LLVM makes addp of it where there is one
    SmallVector<int64_t> even, odd;
    for (int64_t row = 0; row < run.lanes; ++row)
      even.push_back(2 * row), odd.push_back(2 * row + 1);
    sum = k.add(k.shuffle(sum, sum, even), k.shuffle(sum, sum, odd));
  }
  return DotEmitter::finish(k, run, sum, codeSums);
}

Value AArch64MatrixMultiply::repeat(KernelBuilder &k, const DotRun &run, Value four) const {
  if (!sveBits)
    return DotEmitter::repeat(k, run, four);
  // A shuffle of long vectors would go through memory.
  Value whole =
      k.intrinsic("llvm.vector.extract", k.vec(cast<VectorType>(four.getType()).getElementType(), registerBits() / 32),
                  {repeatFirstPart(k, toScalable(k, four)), k.i64(0)});
  while (KernelBuilder::lanes(whole) < run.sums())
    whole = k.concat(whole, whole);
  return whole;
}

Value AArch64MatrixMultiply::after(KernelBuilder &k, Value pointer, Value done) const {
  // Of a long register a part will do; more is no operand of assembly.
  return AArch64Neon::after(k, pointer, sveBits ? k.slice(done, 0, 4) : done);
}

} // namespace nibble
