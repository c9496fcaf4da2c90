//===- Neon.cpp - what the NEON rows share --------------------------------===//
//
// See Neon.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/Neon.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nibble {

Value AArch64Neon::joinNibble(KernelBuilder &k, Value above, Value packed, bool upper) const {
  constexpr int64_t kBytes = 16;
  Value result;
  for (int64_t first = 0; first < KernelBuilder::lanes(packed); first += kBytes) {
    Value bits = k.slice(above, first, kBytes), raw = k.slice(packed, first, kBytes);
    // The upper nibble moves down under the bits; the bits move up over the lower nibble.
    Value joined = upper ? k.intrinsic("llvm.aarch64.neon.vsri", raw.getType(), {bits, raw, k.i32(4)})
                         : k.intrinsic("llvm.aarch64.neon.vsli", raw.getType(), {raw, bits, k.i32(4)});
    result = result ? k.concat(result, joined) : joined;
  }
  return result;
}

Value AArch64Neon::joinSign(KernelBuilder &k, Value bits, unsigned bit, Value packed, bool upper) const {
  constexpr int64_t kBytes = 16;
  Value result;
  for (int64_t first = 0; first < KernelBuilder::lanes(packed); first += kBytes) {
    // Where the bit is clear, the number is negative. The complement serves four bits; as a subtraction that LLVM does
    // not know it stays one, and does not become a comparison with zero behind each mask. Only bits 4 to 7 are tested,
    // the last by its sign: eight masks would be more than the registers hold.
    Value raw = k.slice(bits, first, kBytes);
    if (bit < 4)
      raw = k.shl(raw, 4);
    Value clear =
        k.intrinsic("llvm.aarch64.neon.uqsub", raw.getType(), {k.constant(raw.getType(), int64_t(0xff)), raw});
    Value isClear = k.cmp(KernelBuilder::ICmp::ne, k.bitAnd(clear, int64_t(1) << (bit % 4 + 4)), k.zero(raw.getType()));
    Value sign = k.sext(isClear, k.i8()), nibbles = k.slice(packed, first, kBytes);
    // SLI puts signs over the byte of a nibble; where that is wanted again, BIT puts the nibble into the signs.
    Value joined = upper || !wantsNibblesAgain()
                       ? joinNibble(k, sign, nibbles, upper)
                       : k.bitOr(k.bitAnd(hidden(k, sign), 0xf0), k.bitAnd(nibbles, 0x0f));
    result = result ? k.concat(result, joined) : joined;
  }
  return result;
}

/// Counted for Q4_0 on neoverse-n2, a tile of 16 rows: 196 instructions with 14 that touch the stack for 64 smmla
/// without it.
Value AArch64Neon::after(KernelBuilder &k, Value pointer, Value done) const {
  return AArch64Neon::afterSums(k, pointer, done);
}

Value AArch64Neon::afterSums(KernelBuilder &k, Value pointer, ValueRange done) const {
  SmallVector<Value> registers;
  for (Value sum : done) {
    int64_t lanes = 128 / cast<VectorType>(sum.getType()).getElementTypeBitWidth();
    for (int64_t part = 0; part < KernelBuilder::lanes(sum); part += lanes)
      registers.push_back(k.slice(sum, part, lanes));
  }
  return orderAfter(k, pointer, registers, "w");
}

/// Arm ARM, the post-index forms of LD1 to LD4. LLVM adds a constant other than what was loaded by an instruction of
/// its own.
Value AArch64Neon::step(KernelBuilder &k, Value bytes) const {
  return emptyAssembly(k, k.i64(), bytes, "=r,0");
}

/// Otherwise the second may be loaded behind uses of the first, and LLVM makes an LDP of neighbours only.
KernelBuilder::Values AArch64Neon::inPair(KernelBuilder &k, ValueRange loaded) const {
  Type both = LLVM::LLVMStructType::getLiteral(loaded[0].getContext(), {loaded[0].getType(), loaded[1].getType()});
  Value pair = emptyAssembly(k, both, loaded, "=w,=w,0,1");
  KernelBuilder::Values registers;
  for (int64_t i : {0, 1})
    registers.push_back(LLVM::ExtractValueOp::create(k.builder(), k.location(), pair, i));
  return registers;
}

Value AArch64Neon::hidden(KernelBuilder &k, Value vector) const {
  constexpr int64_t kBytes = 16;
  Value result;
  for (int64_t first = 0; first < KernelBuilder::lanes(vector); first += kBytes) {
    Value part = k.slice(vector, first, kBytes);
    part = emptyAssembly(k, part.getType(), part, "=w,0");
    result = result ? k.concat(result, part) : part;
  }
  return result;
}

void AArch64Neon::freeRegisters(KernelBuilder &k) const {
  constexpr int kRegisters = 32;
  std::string clobbered;
  for (int i = 0; i < kRegisters; ++i)
    clobbered += (i ? ",~{v" : "~{v") + std::to_string(i) + "}";
  emptyAssembly(k, /*result=*/{}, /*operands=*/{}, clobbered);
}

Value AArch64Neon::toFloat(KernelBuilder &k, Value sum, unsigned shift) const {
  if (!shift)
    return DotEmitter::toFloat(k, sum, shift);
  Value result;
  for (int64_t part = 0; part < KernelBuilder::lanes(sum) / 4; ++part) {
    Value four = k.intrinsic("llvm.aarch64.neon.vcvtfxs2fp", k.vec(k.f32(), 4),
                             {k.slice(sum, 4 * part, 4), k.i32(int32_t(shift))});
    result = result ? k.concat(result, four) : four;
  }
  return result;
}

} // namespace nibble
