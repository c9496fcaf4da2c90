//===- MatrixMultiply.h - smmla --------------------------------*- C++ -*-===//
//
// A 2 × 2 tile of dot products of eight signed bytes, added to four i32 lanes:
// Arm ARM, SMMLA (vector). Its first operand holds eight columns of two rows of
// activations, its second of two weight rows; the tile's lanes are (t, r) in row
// order, which is the order of a strip of two.
//
// A single row of activations is multiplied on the same panels by SDOT: eight
// columns are two quads of one weight row in neighbouring lanes, whose sums are
// added in the end.
//
// SVE's instructions do the same in each 128-bit part of a longer register, with
// the activations repeated in each part.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_MATRIXMULTIPLY_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_MATRIXMULTIPLY_H

#include "codegen/Targets/AArch64/Neon.h"

namespace nibble {

class AArch64MatrixMultiply : public AArch64Neon {
public:
  /// `sveBits`: length of SVE's vectors, or 0 for the 128 bits of NEON.
  explicit AArch64MatrixMultiply(int64_t sveBits = 0) : sveBits(sveBits) {}
  KernelBuilder::Values loadActivations(KernelBuilder &k, const DotRun &run, mlir::Value codes,
                                        int64_t quads) const override;
  KernelBuilder::Values loadWeights(KernelBuilder &k, const DotRun &run, mlir::Value codes, int64_t bytes,
                                    int64_t count) const override;
  mlir::Value loadSpread(KernelBuilder &k, const DotRun &run, mlir::Value pointer) const override;
  KernelBuilder::Values loadFours(KernelBuilder &k, mlir::Value pointer, int64_t count) const override;
  MinimaPairs pairsMinima(int64_t group) const override;
  KernelBuilder::Values packMinima(KernelBuilder &k, mlir::Value first, mlir::Value second) const override;
  mlir::Value loadPacked(KernelBuilder &k, const DotRun &run, mlir::Value pointer) const override;
  mlir::Value addPaired(KernelBuilder &k, mlir::Value sum, mlir::ValueRange packed, mlir::Value sums,
                        int group) const override;
  mlir::Value start(KernelBuilder &k, const DotRun &run, mlir::Value codeSums) const override;
  mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                       mlir::ValueRange activations) const override;
  mlir::Value finish(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::Value codeSums) const override;
  mlir::Value joinNibble(KernelBuilder &k, mlir::Value above, mlir::Value packed, bool upper) const override {
    return sveBits ? DotEmitter::joinNibble(k, above, packed, upper) : AArch64Neon::joinNibble(k, above, packed, upper);
  }
  bool joinsSigns() const override { return sveBits == 0; }
  bool takesVectorsApart(const DotRun &run) const override { return true; }
  mlir::Value repeat(KernelBuilder &k, const DotRun &run, mlir::Value four) const override;
  mlir::Value toFloat(KernelBuilder &k, mlir::Value sum, unsigned shift) const override {
    return sveBits ? DotEmitter::toFloat(k, sum, shift) : AArch64Neon::toFloat(k, sum, shift);
  }
  int64_t runsTogether(const DotRun &run) const override { return 2; } // eight registers
  bool scalesSums() const override { return sveBits == 0; }
  bool ordersScales() const override { return sveBits == 0; }
  bool sumsGoOn() const override { return sveBits == 0; } // SVE: 132 instead of 131 instructions for 32 smmla (Q6_K)
  mlir::Value after(KernelBuilder &k, mlir::Value pointer, mlir::Value done) const override;
  /// On SVE the order of sums is LLVM's.
  mlir::Value afterSums(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done) const override {
    return sveBits && !done.empty() ? pointer : AArch64Neon::afterSums(k, pointer, done);
  }

protected:
  bool wantsNibblesAgain() const override { return true; }

private:
  int64_t registerBits() const { return sveBits ? sveBits : 128; }
  int64_t sveBits;
};

template <int64_t Bits> struct AArch64SVEMatrixMultiply : AArch64MatrixMultiply {
  AArch64SVEMatrixMultiply() : AArch64MatrixMultiply(Bits) {}
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_MATRIXMULTIPLY_H
