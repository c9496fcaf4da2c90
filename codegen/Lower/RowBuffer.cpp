//===- RowBuffer.cpp - Buffers of rows ------------------------------------===//
//
// Checks of operands and the walk over a row; see RowBuffer.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/RowBuffer.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace nibble {

FailureOr<RowBuffer> RowBuffer::get(Operation *op, Value buffer, StringRef name) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type && type.getRank() == 2 && type.hasStaticShape() && type.getElementType().isF32() &&
      succeeded(type.getStridesAndOffset(strides, offset)) && strides[1] == 1) {
    // One row has no next row: a name without its stride lets decode and prefill share a kernel more often.
    int64_t rows = type.getDimSize(0), width = type.getDimSize(1);
    if (!ShapedType::isDynamic(strides[0]))
      return RowBuffer{rows, width, strides[0]};
    if (rows == 1)
      return RowBuffer{rows, width, width};
  }
  return op->emitOpError() << name << " must be a memref of rows of f32 with a static shape, a static row stride and "
                           << "contiguous rows, but is " << buffer.getType();
}

LogicalResult requireContiguous(Operation *op, Value buffer, StringRef name) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (type && type.hasStaticShape()) {
    SmallVector<int64_t> strides;
    int64_t offset, expected = 1;
    bool dense = succeeded(type.getStridesAndOffset(strides, offset));
    for (int64_t dim = type.getRank() - 1; dense && dim >= 0; expected *= type.getDimSize(dim), --dim)
      dense = type.getDimSize(dim) == 1 || strides[dim] == expected;
    if (dense)
      return success();
  }
  return op->emitOpError() << name << " must be a contiguous memref with a static shape, but is " << buffer.getType();
}

SmallVector<Piece> piecesOf(int64_t width, int64_t offset) {
  SmallVector<Piece> pieces;
  for (int64_t lanes = kLanes; width > 0; width -= lanes, offset += lanes) {
    while (lanes > width)
      lanes /= 2;
    pieces.push_back({offset, lanes});
  }
  return pieces;
}

void forEachPiece(KernelBuilder &k, int64_t width, function_ref<void(Value offset, int64_t lanes)> body) {
  int64_t full = width / kLanes * kLanes;
  if (full > 0)
    k.loop(k.i64(0), k.i64(full), kLanes, [&](Value offset) { body(offset, kLanes); });
  for (Piece piece : piecesOf(width - full, full))
    body(k.i64(piece.offset), piece.lanes);
}

/// Columns that stay on one thread: what a group of the activations' quantization holds, and two lines of memory.
constexpr int64_t kColumns = 32;

void forEachOwnPiece(KernelBuilder &k, Value n, int64_t width, Value tid, Value nthreads,
                     function_ref<void(Value row, Value offset, int64_t lanes)> body) {
  int64_t fullBlocks = width / kColumns, rest = width % kColumns;
  auto [low, high] = k.share(k.i64(fullBlocks + (rest != 0)), tid, nthreads);
  k.loop(k.i64(0), n, 1, [&, low = low, high = high](Value row) {
    k.loop(k.mul(low, kColumns), k.mul(k.mins(high, fullBlocks), kColumns), kLanes,
           [&](Value offset) { body(row, offset, kLanes); });
    if (rest == 0)
      return;
    Value ownsRest = k.bitAnd(k.slt(k.i64(fullBlocks), high), k.sge(k.i64(fullBlocks), low));
    k.ifThen(ownsRest, [&] {
      for (Piece p : piecesOf(rest, fullBlocks * kColumns))
        body(row, k.i64(p.offset), p.lanes);
    });
  });
}

std::string typeName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

std::string floatName(double value) {
  return llvm::utohexstr(llvm::bit_cast<uint32_t>(static_cast<float>(value)), /*LowerCase=*/true, /*Width=*/8);
}

} // namespace nibble
