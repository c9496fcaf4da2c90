//===- MatrixMultiply.cpp - smmla -----------------------------------------===//
//
// See MatrixMultiply.h. A register holds two weight rows for each of its 128 bits;
// vectors of more are taken register by register.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/MatrixMultiply.h"

#include "codegen/Targets/AArch64/Scalable.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <limits>

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

/// NEON loads the numbers of four strips at once.
MinimaPairs AArch64MatrixMultiply::pairsMinima(int64_t group) const {
  return group < 32 ? MinimaPairs::Groups : sveBits ? MinimaPairs::Strips : MinimaPairs::None;
}

/// For multiply-adds of complex numbers, see addPaired(): of two weight rows the second group's (v', w') stand as
/// (w', -v'). NEON has a vector of each group; of SVE each two rows' of the first group and then the second's are 128
/// bits.
KernelBuilder::Values AArch64MatrixMultiply::packMinima(KernelBuilder &k, Value first, Value second) const {
  int64_t rows = KernelBuilder::lanes(first);
  SmallVector<int64_t> swap;
  SmallVector<int32_t> signs;
  for (int64_t row = 0; row < rows; row += 2)
    swap.append({row + 1, row}), signs.append({0, std::numeric_limits<int32_t>::min()});
  Value swapped = k.bitcast(k.shuffle(second, second, swap), k.vec(k.i32(), rows));
  swapped = k.bitXor(swapped, k.vectorI32(signs));
  if (!sveBits)
    return {first, k.bitcast(swapped, first.getType())};
  KernelBuilder::Values packed;
  Type pairs = k.vec(k.i64(), rows / 2); // (LLVM would make two ST2 of NEON out of a shuffle)
  for (StringRef zip : {"llvm.aarch64.sve.zip1", "llvm.aarch64.sve.zip2"}) {
    Value both = callScalable(k, zip, pairs, {k.bitcast(first, pairs), k.bitcast(swapped, pairs)});
    packed.push_back(k.bitcast(both, first.getType()));
  }
  return packed;
}

Value AArch64MatrixMultiply::loadPacked(KernelBuilder &k, const DotRun &run, Value pointer) const {
  return sveBits ? k.load(k.vec(k.f32(), run.lanes), pointer) : loadSpread(k, run, pointer);
}

/// One half of a multiply-add of complex numbers (Arm ARM, FCMLA): of two weight rows and an activation row's sums
/// (s, t) the first adds s·(v, w), with rotation 90 the second adds what t times (w', -v') comes to, t·(v', w').
Value AArch64MatrixMultiply::addPaired(KernelBuilder &k, Value sum, ValueRange packed, Value sums, int group) const {
  int64_t lanes = registerBits() / 32;
  Value repeated = sveBits ? repeatFirstPart(k, toScalable(k, sums)) : sums, result;
  for (int64_t part = 0; part < KernelBuilder::lanes(sum); part += lanes) {
    Value acc = k.slice(sum, part, lanes);
    if (sveBits) { // of each 128 bits the two numbers that a constant says
      acc = accumulateScalable(k, "llvm.aarch64.sve.fcmla.lane", acc,
                               {repeated, packed[part / lanes], k.i32(group), k.i32(90 * group)});
    } else {
      StringRef intrinsic = group ? "llvm.aarch64.neon.vcmla.rot90" : "llvm.aarch64.neon.vcmla.rot0";
      acc = k.intrinsic(intrinsic, acc.getType(), {acc, sums, k.slice(packed[group], part, lanes)});
    }
    result = result ? k.concat(result, acc) : acc;
  }
  return result;
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
