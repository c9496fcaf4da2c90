//===- Scalable.cpp - SVE instructions on vectors of known length ---------===//
//
// See Scalable.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/Scalable.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nibble {

/// A Z register has at least 128 bits.
static VectorType scalableType(Type element) {
  return VectorType::get({128 / element.getIntOrFloatBitWidth()}, element, {true});
}

Value toScalable(KernelBuilder &k, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (type.isScalable())
    return vector;
  VectorType scalable = scalableType(type.getElementType());
  Value nothing = LLVM::PoisonOp::create(k.builder(), k.location(), scalable);
  return k.intrinsic("llvm.vector.insert", scalable, {nothing, vector, k.i64(0)});
}

Value repeatFirstPart(KernelBuilder &k, Value scalable) {
  return k.intrinsic("llvm.aarch64.sve.dupq.lane", scalable.getType(), {scalable, k.i64(0)});
}

Value callScalable(KernelBuilder &k, StringRef intrinsic, Type type, ValueRange operands) {
  SmallVector<Value> arguments;
  for (Value operand : operands)
    arguments.push_back(isa<VectorType>(operand.getType()) ? toScalable(k, operand) : operand);
  Value result = k.intrinsic(intrinsic, arguments[0].getType(), arguments);
  return k.intrinsic("llvm.vector.extract", type, {result, k.i64(0)});
}

Value accumulateScalable(KernelBuilder &k, StringRef intrinsic, Value sum, ValueRange operands) {
  SmallVector<Value> arguments = {sum};
  llvm::append_range(arguments, operands);
  return callScalable(k, intrinsic, sum.getType(), arguments);
}

} // namespace nibble
