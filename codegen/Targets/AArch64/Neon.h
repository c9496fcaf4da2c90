//===- Neon.h - what the NEON rows share -----------------------*- C++ -*-===//
//
// Joining a nibble with bits above it takes one instruction that shifts and inserts
// (Arm ARM, SLI and SRI), where elsewhere it takes a mask and an or. The conversion of a
// sum to float divides by a power of two for free (Arm ARM, SCVTF (vector, fixed-point)).
//
// A fifth bit is not brought to its place: CMTST makes a byte of ones where it is clear,
// whose low or high half is what stands above the nibble of a signed number of five bits.
//
// Sums of a row alone are put in order by an empty piece of assembly (after()).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_NEON_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_NEON_H

#include "codegen/Targets/DotEmitter.h"

namespace nibble {

class AArch64Neon : public DotEmitter {
public:
  mlir::Value joinNibble(KernelBuilder &k, mlir::Value above, mlir::Value packed, bool upper) const override;
  bool joinsSigns() const override { return true; }
  mlir::Value joinSign(KernelBuilder &k, mlir::Value bits, unsigned bit, mlir::Value packed, bool upper) const override;
  bool takesVectorsApart(const DotRun &run) const override { return true; }
  mlir::Value after(KernelBuilder &k, mlir::Value pointer, mlir::Value done) const override;
  mlir::Value step(KernelBuilder &k, mlir::Value bytes) const override;
  /// What two neighbouring loads gave, both there before either is used.
  KernelBuilder::Values inPair(KernelBuilder &k, mlir::ValueRange loaded) const;
  mlir::Value hidden(KernelBuilder &k, mlir::Value vector) const override;
  void freeRegisters(KernelBuilder &k) const override;
  mlir::Value afterSums(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done) const override;
  mlir::Value toFloat(KernelBuilder &k, mlir::Value sum, unsigned shift) const override;
  bool scalesSums() const override { return true; }
  bool takesLanes() const override { return true; }
  bool unpacksAhead() const override { return true; }

protected:
  /// Whether the upper nibbles of a vector are multiplied after the lower ones, as those of another run of columns.
  virtual bool wantsNibblesAgain() const { return false; }
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_NEON_H
