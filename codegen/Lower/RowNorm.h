//===- RowNorm.h - the numbers of a normed row -----------------*- C++ -*-===//
//
// What the kernels that norm rows share, whether they write the normed row or quantize
// it:
//
//   rms_norm    y = x · (1 / sqrt(mean(x²) + epsilon)) · w
//   layer_norm  y = (x - μ) · (1 / sqrt(mean((x - μ)²) + epsilon)) · w (+ b),  μ = mean(x)
//
// Sums run in four vectors of 16 lanes that take turns, and end in a fixed tree: the
// same order for every target and thread count.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_ROWNORM_H
#define NIBBLE_CODEGEN_LOWER_ROWNORM_H

#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

struct TargetInfo;

/// A norm, as far as a kernel is specialised on it.
struct NormKind {
  int64_t width;           ///< of what is normed: a row, or a head of one
  bool centred;            ///< layer_norm
  double epsilon;
  mlir::Type weight, bias; ///< element types, f32, f16 or bf16; `bias` is null without one

  /// The weight must be a vector of known elements, and so must the bias, if there is one; a diagnostic at `op` if not.
  static mlir::FailureOr<NormKind> get(mlir::Operation *op, bool centred, mlir::Value weight, mlir::Value bias,
                                       double epsilon);
  /// "rms_norm" or "layer_norm".
  llvm::StringRef name() const { return centred ? "layer_norm" : "rms_norm"; }
};

/// One row (or head), whose sums are taken when it is made; its normed numbers afterwards.
class NormedRow {
public:
  /// `row`: pointer to the numbers; `weight`, `bias`: to the parameters of the first one.
  NormedRow(KernelBuilder &k, const TargetInfo &target, const NormKind &kind, mlir::Value row, mlir::Value weight,
            mlir::Value bias);

  mlir::Value load(mlir::Value offset, int64_t lanes) const;

private:
  KernelBuilder &k;
  const TargetInfo &target;
  NormKind kind;
  mlir::Value row, weight, bias, centre, factor;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_ROWNORM_H
