//===- DotProduct.h - sdot and usdot by element ----------------*- C++ -*-===//
//
// Four products of signed bytes, or of unsigned weights, added to each i32 lane: Arm ARM, SDOT and USDOT (by
// element). The by-element form takes its activations from one lane of a
// register, so that four quads cost one load and no splat.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_DOTPRODUCT_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_DOTPRODUCT_H

#include "codegen/Targets/AArch64/Neon.h"
#include "codegen/Targets/AArch64/Scalable.h"

namespace nibble {

class AArch64DotProduct : public AArch64Neon {
public:
  KernelBuilder::Values loadActivations(KernelBuilder &k, const DotRun &run, mlir::Value codes,
                                        int64_t quads) const override;
  mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                       mlir::ValueRange activations) const override;
  int64_t runsTogether(const DotRun &run) const override { return 4; } // eight registers
  int64_t rowsInPlace() const override { return 3; } // four rows take their quads unpacked with fewer instructions
  /// A single tile takes 23.3 instructions for 100 multiply-adds with Q6_K, and 24.6 unpacked ahead; two 23.2 and 19.6.
  int64_t rowsAhead(int64_t tile, bool isCrowded) const override { return isCrowded ? tile : tile + 1; }
  bool ordersScales() const override { return true; }
  bool sumsGoOn() const override { return true; }

protected:
  virtual llvm::StringRef intrinsic() const { return "llvm.aarch64.neon.sdot"; }
};

struct AArch64UnsignedDotProduct : AArch64DotProduct {
  bool joinsSigns() const override { return false; }

protected:
  llvm::StringRef intrinsic() const override { return "llvm.aarch64.neon.usdot"; }
};

/// Four products added to each i32 lane of a longer vector: Arm ARM, SDOT (vectors) of SVE. A quad of activations is
/// loaded into all lanes at once.
class AArch64SVEDotProduct : public DotEmitter {
public:
  mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                       mlir::ValueRange activations) const override {
    for (auto [weight, activation] : llvm::zip_equal(weights, activations))
      sum = accumulateScalable(k, "llvm.aarch64.sve.sdot", sum, {weight, activation});
    return sum;
  }
  bool unpacksAhead() const override { return true; }
  int64_t rowsAhead(int64_t tile, bool isCrowded) const override {
    return isCrowded ? tile : DotEmitter::rowsAhead(tile, isCrowded);
  }
  bool sumsGoOn() const override { return true; }
  /// A part of the sums will do; a longer operand is none of assembly.
  mlir::Value after(KernelBuilder &k, mlir::Value pointer, mlir::Value done) const override {
    return orderAfter(k, pointer, k.slice(done, 0, 4), "w");
  }
  mlir::Value afterSums(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done) const override {
    return orderAfterLower(k, pointer, done, "w");
  }
  bool loadsEachQuad() const override { return true; }
  void freeRegisters(KernelBuilder &k) const override;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_DOTPRODUCT_H
