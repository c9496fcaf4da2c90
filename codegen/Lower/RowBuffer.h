//===- RowBuffer.h - Buffers of rows ---------------------------*- C++ -*-===//
//
// What the kernels on rows of activations share: the shape of a buffer of rows, and
// the walk over one row in vectors.
//
// Contract
//  * A row buffer is a memref<rows x width x f32> whose inner dimension is contiguous
//    and whose row stride is known. Its offset may be anything.
//  * Widths are known when the kernel is built. What is left after the full vectors of
//    16 lanes is done in vectors of 8, 4, 2 and 1, so that nothing past a row's end
//    is touched.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_ROWBUFFER_H
#define NIBBLE_CODEGEN_LOWER_ROWBUFFER_H

#include "codegen/Lower/KernelBuilder.h"

#include <string>

namespace nibble {

/// Lanes of the vectors that f32 work is done in.
inline constexpr int64_t kLanes = 16;

/// A buffer of rows, as far as a kernel is specialised on it.
struct RowBuffer {
  int64_t rows, width;
  int64_t stride; ///< elements from one row to the next; the width where there is one row only

  /// A diagnostic at `op` that names the operand if `buffer` is no row buffer.
  static mlir::FailureOr<RowBuffer> get(mlir::Operation *op, mlir::Value buffer, llvm::StringRef name);

  mlir::Value row(KernelBuilder &k, mlir::Value pointer, mlir::Value index) const {
    return k.at(pointer, k.f32(), k.mul(index, stride));
  }
};

/// Fails with a diagnostic unless `buffer` is a memref without gaps, of which the kernel sees the base only.
mlir::LogicalResult requireContiguous(mlir::Operation *op, mlir::Value buffer, llvm::StringRef name);

/// A vector's place in a row.
struct Piece {
  int64_t offset, lanes;
};

/// `width` elements from `offset` as vectors: as many of 16 lanes as fit, then 8, 4, 2, 1.
llvm::SmallVector<Piece> piecesOf(int64_t width, int64_t offset = 0);

/// Emits `body` for each piece of `width` elements: a loop over the full vectors, then the rest one by one.
void forEachPiece(KernelBuilder &k, int64_t width, llvm::function_ref<void(mlir::Value offset, int64_t lanes)> body);

/// The same for a thread's share of `n` rows of which each is split by blocks of 32 columns, the last of which may be
/// shorter: for what is computed element by element.
void forEachOwnPiece(KernelBuilder &k, mlir::Value n, int64_t width, mlir::Value tid, mlir::Value nthreads,
                     llvm::function_ref<void(mlir::Value row, mlir::Value offset, int64_t lanes)> body);

/// "f32", "f16", …: an element type as part of a kernel's name.
std::string typeName(mlir::Type type);

/// The bits of a float attribute's f32 value in hexadecimal, as part of a kernel's name.
std::string floatName(double value);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_ROWBUFFER_H
