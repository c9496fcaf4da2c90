//===- LowBitOps.cpp - verifiers and folds of the lowbit ops -------------===//
//
// What: the constraints that the table definitions cannot say.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace nibble::lowbit;

#define GET_OP_CLASSES
#include "dialects/LowBit/LowBitOps.cpp.inc"

/// Blocks lie along the last dimension and are never cut.
static LogicalResult verifyWholeBlocks(Operation *op, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  auto block = cast<BlockType>(tensor.getElementType());
  if (tensor.getRank() == 0)
    return op->emitOpError("needs a tensor with at least one dimension, "
                           "found ")
           << tensor;
  int64_t last = tensor.getShape().back();
  if (!ShapedType::isDynamic(last) && last % block.getScaleSpan() != 0)
    return op->emitOpError("the last dimension of ")
           << tensor << " must be a multiple of " << block.getScaleSpan()
           << ", the number of elements that share a scale";
  return success();
}

LogicalResult EncodeOp::verify() {
  return verifyWholeBlocks(*this, getResult().getType());
}

LogicalResult DecodeOp::verify() {
  return verifyWholeBlocks(*this, getInput().getType());
}

LogicalResult CastOp::verify() {
  if (failed(verifyWholeBlocks(*this, getInput().getType())) ||
      failed(verifyWholeBlocks(*this, getResult().getType())))
    return failure();
  const char *reason = whyCastIsInexact(getBlockType(getInput().getType()),
                                        getBlockType(getResult().getType()));
  if (reason)
    return emitOpError("can change a value: ")
           << reason << "; use lowbit.decode and lowbit.encode";
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getInput().getType() == getResult().getType() ? getInput() : Value();
}
