//===- ActivationPlace.h - addresses of quantized activations --*- C++ -*-===//
//
// dialects/MPGEMM/ActivationLayout.h as code: where a row's codes, scales and sums stand
// when row and column are known at run time only. The kernel that writes them and those
// that read them have no other way to find them.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_ACTIVATIONPLACE_H
#define NIBBLE_CODEGEN_LOWER_ACTIVATIONPLACE_H

#include "codegen/Lower/KernelBuilder.h"
#include "dialects/MPGEMM/ActivationLayout.h"

namespace nibble {

/// The codes of a row from a column on, a multiple of ActivationLayout::kSpan if rows are interleaved. Rows that are
/// not stand layout.columns bytes apart.
mlir::Value placeOfCodes(KernelBuilder &k, const mpgemm::ActivationLayout &layout, mlir::Value base, mlir::Value row,
                         mlir::Value column);

/// A row's scale or sum, number `index` of those of `group` columns each. Rows that are not interleaved have them
/// `stride` numbers apart.
mlir::Value placeOfNumber(KernelBuilder &k, const mpgemm::ActivationLayout &layout, mlir::Value base, mlir::Type type,
                          mlir::Value row, mlir::Value index, int64_t group, int64_t stride);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_ACTIVATIONPLACE_H
