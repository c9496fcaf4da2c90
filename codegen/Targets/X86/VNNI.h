//===- VNNI.h - vpdpbusd ---------------------------------------*- C++ -*-===//
//
// Four products of an unsigned byte (weight) and a signed byte (activation)
// added to each i32 lane, without saturation: Intel SDM volume 2, VPDPBUSD.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_X86_VNNI_H
#define NIBBLE_CODEGEN_TARGETS_X86_VNNI_H

#include "codegen/Targets/X86/X86Dot.h"

namespace nibble {

class X86VNNI : public X86Dot {
public:
  explicit X86VNNI(llvm::StringLiteral intrinsic) : intrinsic(intrinsic) {}
  mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                       mlir::ValueRange activations) const override;
  bool walksInLoop() const override { return true; }
  bool unpacksAhead() const override { return true; }
  mlir::Value after(KernelBuilder &k, mlir::Value pointer, mlir::Value done) const override {
    return orderAfter(k, pointer, k.slice(done, 0, 4), "v");
  }
  unsigned widestInPlace(const DotRun &run) const override { return 8; }

private:
  llvm::StringLiteral intrinsic;
};

struct X86VNNI512 : X86VNNI {
  X86VNNI512() : X86VNNI("llvm.x86.avx512.vpdpbusd.512") {}
  int64_t registers() const override { return 32; }
  int64_t straightQuads() const override { return 8; }
  mlir::Value afterSums(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done) const override {
    return orderAfterLower(k, pointer, done, "v");
  }
  /// By vpermps from all sixteen products, which serve as many vectors as there are.
  mlir::Value timesSmall(KernelBuilder &k, mlir::Value integers, mlir::Value factor) const override;
};
struct X86VNNI256 : X86VNNI {
  X86VNNI256() : X86VNNI("llvm.x86.avx512.vpdpbusd.256") {}
  mlir::Value after(KernelBuilder &k, mlir::Value pointer, mlir::Value done) const override {
    return afterSums(k, pointer, done);
  }
  mlir::Value afterSums(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done) const override {
    return orderAfterLower(k, pointer, done, "x");
  }
  /// Of 16 registers eight activations would take half. A longer run's are multiplied two by two.
  bool takesVectorsApart(const DotRun &run) const override { return run.quads < 8; }
  int64_t registers() const override { return 16; }
  /// A tile's sums and what unpacks codes of several planes are more than these.
  int64_t rowsAhead(int64_t tile, bool isCrowded) const override { return tile; }
  bool readsAgain() const override { return true; } // vpbroadcastd of memory is a load and nothing else
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_X86_VNNI_H
