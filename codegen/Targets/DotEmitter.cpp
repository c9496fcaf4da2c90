//===- DotEmitter.cpp - from a row to its emitter -------------------------===//
//
// The emitters by the names that InstructionTable.def gives them.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/DotEmitter.h"

#include "codegen/Targets/AArch64/DotProduct.h"
#include "codegen/Targets/AArch64/MatrixMultiply.h"
#include "codegen/Targets/AArch64/WideningMultiply.h"
#include "codegen/Targets/Generic/Portable.h"
#include "codegen/Targets/X86/AVX2.h"
#include "codegen/Targets/X86/VNNI.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

namespace nibble {

KernelBuilder::Values DotEmitter::loadActivations(KernelBuilder &k, const DotRun &run, Value codes,
                                                  int64_t quads) const {
  KernelBuilder::Values splats;
  for (int64_t quad = 0; quad < quads; ++quad) {
    Value four = k.load(k.i32(), k.offset(codes, run.stepBytes * quad), 1);
    splats.push_back(k.bitcast(k.splat(four, run.lanes), k.vec(k.i8(), 4 * run.lanes)));
  }
  return splats;
}

KernelBuilder::Values DotEmitter::loadWeights(KernelBuilder &k, const DotRun &run, Value codes, int64_t bytes,
                                              int64_t count) const {
  KernelBuilder::Values quads;
  for (int64_t quad = 0; quad < count; ++quad)
    quads.push_back(k.load(k.vec(k.i8(), bytes), k.offset(codes, quad * bytes), 1));
  return quads;
}

Value DotEmitter::repeat(KernelBuilder &k, const DotRun &run, Value four) const {
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < run.sums(); ++i)
    mask.push_back(i % 4);
  return k.shuffle(four, four, mask);
}

Value DotEmitter::spread(KernelBuilder &k, Value rows) {
  SmallVector<int64_t> mask;
  for (int64_t row = 0; row < KernelBuilder::lanes(rows); row += 2)
    mask.append({row, row + 1, row, row + 1});
  return k.shuffle(rows, rows, mask);
}

Value DotEmitter::loadSpread(KernelBuilder &k, const DotRun &run, Value pointer) const {
  return spread(k, k.load(k.vec(k.f32(), run.lanes), pointer));
}

KernelBuilder::Values DotEmitter::loadFours(KernelBuilder &k, Value pointer, int64_t count) const {
  KernelBuilder::Values fours;
  for (int64_t i = 0; i < count; ++i)
    fours.push_back(k.load(k.vec(k.f32(), 4), k.at(pointer, k.f32(), 4 * i)));
  return fours;
}

Value DotEmitter::timesSmall(KernelBuilder &k, Value integers, Value factor) const {
  return k.mulf(k.intToFloat(integers, k.f32()), factor);
}

Value DotEmitter::joinNibble(KernelBuilder &k, Value above, Value packed, bool upper) const {
  return upper ? k.bitOr(above, k.shru(packed, 4)) : k.bitOr(k.shl(above, 4), k.bitAnd(packed, 15));
}

Value DotEmitter::joinSign(KernelBuilder &, Value, unsigned, Value, bool) const {
  llvm_unreachable("only of emitters that join signs");
}

Value DotEmitter::pairedOffsets(KernelBuilder &, const DotRun &, Value, Value) const {
  llvm_unreachable("only of emitters that pair offsets");
}

Value DotEmitter::addOffsets(KernelBuilder &, Value, Value, Value) const {
  llvm_unreachable("only of emitters that pair offsets");
}

KernelBuilder::Values DotEmitter::packMinima(KernelBuilder &, Value, Value) const {
  llvm_unreachable("only of emitters that pair minima");
}

Value DotEmitter::loadPacked(KernelBuilder &, const DotRun &, Value) const {
  llvm_unreachable("only of emitters that pair minima");
}

Value DotEmitter::addPaired(KernelBuilder &, Value, ValueRange, Value, int) const {
  llvm_unreachable("only of emitters that pair minima");
}

Value DotEmitter::starts(KernelBuilder &, const DotRun &, Value) const {
  llvm_unreachable("only of emitters that take starts");
}

/// What the offsets take away stands in the sum from the start: that costs no instruction.
Value DotEmitter::start(KernelBuilder &k, const DotRun &run, Value codeSums) const {
  return codeSums ? k.mul(codeSums, -run.codes.offset) : k.zero(k.vec(k.i32(), run.sums()));
}

Value DotEmitter::finish(KernelBuilder &k, const DotRun &run, Value sum, Value codeSums) const {
  return run.scale ? k.mul(sum, run.scale) : sum;
}

Value DotEmitter::toFloat(KernelBuilder &k, Value sum, unsigned shift) const {
  Value value = k.intToFloat(sum, k.f32());
  return shift ? k.mulf(value, k.constant(value.getType(), 1.0 / (1 << shift))) : value;
}

unsigned DotEmitter::widestOf(const DotRun &run, llvm::function_ref<int64_t(WeightCodes)> fitting) {
  WeightCodes codes = run.codes;
  for (codes.bits = 7; codes.bits > run.codes.bits && fitting(codes) < run.quads; --codes.bits)
    ;
  return codes.bits;
}

Value DotEmitter::emptyAssembly(KernelBuilder &k, Type result, ValueRange operands, StringRef constraints, bool stays) {
  auto assembly = LLVM::InlineAsmOp::create(k.builder(), k.location(), result ? TypeRange(result) : TypeRange(),
                                            operands, "", constraints, /*has_side_effects=*/stays,
                                            /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
                                            /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr);
  return result ? assembly->getResult(0) : Value();
}

Value DotEmitter::afterFetches(KernelBuilder &k, Value pointer) {
  return emptyAssembly(k, k.ptr(), pointer, "=r,0", /*stays=*/true);
}

/// (A pointer that went through assembly would be one that its stores may have seen.)
Value DotEmitter::apartFromFrame(KernelBuilder &k, Value place) {
  return k.offset(place, emptyAssembly(k, k.i64(), {k.i64(0)}, "=r,0"));
}

Value DotEmitter::orderAfter(KernelBuilder &k, Value pointer, ValueRange done, StringRef constraint) {
  SmallVector<Value> operands = {pointer};
  llvm::append_range(operands, done);
  std::string constraints = "=r,0";
  for (size_t i = 0; i < done.size(); ++i)
    constraints += "," + constraint.str();
  return emptyAssembly(k, k.ptr(), operands, constraints);
}

Value DotEmitter::orderAfterLower(KernelBuilder &k, Value pointer, ValueRange done, StringRef constraint) {
  SmallVector<Value> lower;
  for (Value sum : done) {
    int64_t words = KernelBuilder::lanes(sum) * cast<VectorType>(sum.getType()).getElementTypeBitWidth() / 32;
    lower.push_back(k.slice(k.bitcast(sum, k.vec(k.f32(), words)), 0, 4));
  }
  return orderAfter(k, pointer, lower, constraint);
}

const DotEmitter &dotEmitter(const InstructionRow &row) {
#define NIBBLE_DOT_ROW(rowName, emitter, isa, strip, depth, lanes, vectors, tile, tileVectors, unsignedBits,           \
                       signedBytes, features)                                                                          \
  if (row.name == #rowName) {                                                                                          \
    static const emitter instance;                                                                                     \
    return instance;                                                                                                   \
  }
#include "codegen/Intrinsics/InstructionTable.def"
  llvm::report_fatal_error("the instruction row " + row.name + " has no emitter");
}

} // namespace nibble
