//===- MmaChecks.cpp - what a product's operands must be ------------------===//
//
// See MmaChecks.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaChecks.h"

#include "dialects/MPGEMM/ActivationLayout.h"
#include "dialects/MPGEMM/AveragedSums.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace nibble {

FailureOr<int64_t> rowStride(Operation *op, Value buffer, StringRef name, Type element) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type && type.getRank() == 2 && type.hasStaticShape() && type.getElementType() == element &&
      succeeded(type.getStridesAndOffset(strides, offset)) && strides[1] == 1) {
    if (!ShapedType::isDynamic(strides[0]))
      return strides[0];
    if (type.getDimSize(0) == 1)
      return type.getDimSize(1);
  }
  return op->emitOpError() << name << " must be a memref of rows of " << element << " with a static shape, a static "
                           << "row stride and contiguous rows, but is " << buffer.getType();
}

LogicalResult checkVector(Operation *op, Value buffer, StringRef name, Type element) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type && type.getRank() == 1 && type.getElementType() == element &&
      succeeded(type.getStridesAndOffset(strides, offset)) && strides[0] == 1)
    return success();
  return op->emitOpError() << name << " must be a contiguous memref of " << element << ", but is " << buffer.getType();
}

/// Whether the row can multiply weights in this layout.
static LogicalResult checkRow(Operation *op, size_t operands, mpgemm::LayoutAttr layout, const InstructionRow &row) {
  if (layout.getNr() != row.nr() || layout.getKr() != row.kr())
    return op->emitOpError() << "row '" << row.name << "' needs a layout with nr = " << row.nr() << " and kr = "
                             << row.kr() << ", but has " << layout;
  if (layout.getLookup() != (row.kind == RowKind::Lookup))
    return op->emitOpError() << "row '" << row.name << "' " << (layout.getLookup() ? "multiplies" : "looks up")
                             << " codes, but has " << layout;
  auto block = dyn_cast<lowbit::BlockType>(layout.getElement());
  if (row.narrow && layout.getPanelLayout().element != *row.narrow)
    return op->emitOpError() << "row '" << row.name << "' multiplies " << spelling(*row.narrow) << ", but has "
                             << layout;
  if (row.narrow && block)
    return op->emitOpError() << "row '" << row.name << "' multiplies floats as they are stored, but has " << layout;
  if (row.kind == RowKind::Float)
    return operands == 1 ? success()
                         : LogicalResult(op->emitOpError() << "row '" << row.name << "' multiplies one f32 matrix");
  if (!block || operands < 3)
    return op->emitOpError() << "row '" << row.name << "' multiplies low-bit codes with quantized activations";
  const lowbit::CodeKind &code = block.getCode();
  if (code.isInteger() && layout.getBias() != row.storageBias(code.width, code.isSigned))
    return op->emitOpError() << "row '" << row.name << "' needs codes stored with bias "
                             << row.storageBias(code.width, code.isSigned) << ", but has " << layout;
  if (!block.hasIntegers())
    return op->emitOpError() << "row '" << row.name << "' multiplies integers, which the codes of " << block
                             << " do not stand for";
  return success();
}

/// The groups that the numbers of columns of scales and sums stand for.
static LogicalResult findGroups(Operation *op, ValueRange activations, mpgemm::LayoutAttr layout,
                                const InstructionRow &row, int64_t interleaved, ActivationShape &shape) {
  auto columns = [&](size_t index) { return cast<MemRefType>(activations[index].getType()).getDimSize(1); };
  int64_t k = layout.getK();
  if (row.kind == RowKind::Dot && columns(0) / k != interleaved)
    return op->emitOpError() << "row '" << row.name << "' needs activations interleaved in blocks of " << interleaved
                             << " rows, but has " << activations.front().getType();
  int64_t repeated = mpgemm::ActivationLayout{k, interleaved}.numbersOfGroup();
  int64_t scales = columns(1) / repeated, sums = columns(2) / repeated;
  int64_t run = std::min<int64_t>(layout.getPanelLayout().group, mpgemm::kActivationGroup);
  shape.sumGroup = sums > 0 ? k / sums : 0;
  if (scales != 1 && scales * mpgemm::kActivationGroup != k)
    return op->emitOpError() << "needs one activation scale for " << mpgemm::kActivationGroup
                             << " columns or for a row";
  shape.activationGroup = k / scales;
  if (shape.sumGroup == 0 || sums * shape.sumGroup != k || run % shape.sumGroup != 0)
    return op->emitOpError() << "needs sums of activation codes over a divisor of " << run << " columns";
  int64_t bytes = row.averages ? mpgemm::averagedTableBytes(k) : mpgemm::tableBytes(k);
  if (row.kind == RowKind::Lookup && columns(0) != bytes)
    return op->emitOpError() << "row '" << row.name << "' needs tables of " << bytes << " bytes a row, but has "
                             << activations.front().getType();
  if (row.kind == RowKind::Lookup && columns(3) * run != k)
    return op->emitOpError() << "needs one base for " << run << " columns";
  return success();
}

FailureOr<ActivationShape> activationShape(Operation *op, ValueRange activations, mpgemm::LayoutAttr layout,
                                           const InstructionRow &row, int64_t interleaved) {
  if (failed(checkRow(op, activations.size(), layout, row)))
    return failure();
  ActivationShape shape;
  Builder b(op->getContext());
  bool isDot = row.isInteger();
  std::pair<StringRef, Type> expected[] = {
      {isDot ? "codes" : "activations", isDot ? Type(b.getI8Type()) : b.getF32Type()},
      {"scales", b.getF32Type()},
      {"sums", b.getI32Type()},
      {"bases", b.getI32Type()}};
  for (auto [value, what] : llvm::zip(activations, expected)) {
    FailureOr<int64_t> stride = rowStride(op, value, what.first, what.second);
    if (failed(stride))
      return failure();
    shape.strides.push_back(*stride);
  }
  if (isDot && failed(findGroups(op, activations, layout, row, interleaved, shape)))
    return failure();
  return shape;
}

} // namespace nibble
