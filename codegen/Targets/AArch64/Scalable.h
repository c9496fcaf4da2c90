//===- Scalable.h - SVE instructions on vectors of known length -*- C++ -*-===//
//
// A kernel of an SVE row is compiled for one length of vectors (the attribute
// vscale_range of its function), so that all of it but the instruction itself is
// written on fixed vectors, which LLVM keeps in Z registers. The intrinsics want
// scalable types; inserting a fixed vector of the full length into one, and
// extracting it, costs nothing.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_SCALABLE_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_SCALABLE_H

#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// `vector` as the low part of a scalable vector of its elements.
mlir::Value toScalable(KernelBuilder &k, mlir::Value vector);

/// The first 16 bytes of a scalable vector in each of its 128-bit parts, scalable.
mlir::Value repeatFirstPart(KernelBuilder &k, mlir::Value scalable);

/// Calls an SVE intrinsic whose result has the type of its first operand; `type` is the fixed type of that result.
/// `operands` are fixed or scalable, or numbers.
mlir::Value callScalable(KernelBuilder &k, llvm::StringRef intrinsic, mlir::Type type, mlir::ValueRange operands);

/// Calls an SVE intrinsic that adds to `sum`, whose fixed type the result has. `operands` as above.
mlir::Value accumulateScalable(KernelBuilder &k, llvm::StringRef intrinsic, mlir::Value sum, mlir::ValueRange operands);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_SCALABLE_H
