//===- WideningMultiply.h - smlal and sadalp -------------------*- C++ -*-===//
//
// Products of signed bytes in 16 bits, for CPUs without a dot product: Arm ARM,
// SMULL and SMLAL (vector), and SMULL2 and SMLAL2 for the upper half of a register,
// then SADALP, which adds neighbours into i32. Two lanes of i32 belong to a weight
// row until the end. Exact as long as no sum of products exceeds 32767:
//
//   unsigned codes of b bits: ⌊32767 / ((2^b - 1) · 127)⌋ quads are added in 16 bits
//   (all 8 of a run for b ≤ 5, 4 for 6, 2 for 7); signed bytes: 2, since 2 · 128 · 127 = 32512.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_WIDENINGMULTIPLY_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_WIDENINGMULTIPLY_H

#include "codegen/Targets/AArch64/Neon.h"

namespace nibble {

class AArch64WideningMultiply : public AArch64Neon {
public:
  KernelBuilder::Values loadActivations(KernelBuilder &k, const DotRun &run, mlir::Value codes,
                                        int64_t quads) const override;
  mlir::Value start(KernelBuilder &k, const DotRun &run, mlir::Value codeSums) const override;
  mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                       mlir::ValueRange activations) const override;
  mlir::Value finish(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::Value codeSums) const override;
  bool walksInLoop() const override { return true; }
  bool ordersScales() const override { return true; }
  unsigned widestInPlace(const DotRun &run) const override;
  int64_t registers() const override { return 32; }
  int64_t registersOfSum() const override { return 2; }
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_WIDENINGMULTIPLY_H
