//===- NarrowFloats.h - bfmmla, bfdot and fmlal ----------------*- C++ -*-===//
//
// BFDOT (Arm ARM): two products of bf16 are added, then added to an f32 lane; both
// sums are rounded to odd, and denormals are zeros (with FPCR.EBF = 0, which Linux
// leaves so).
//
// BFMMLA (Arm ARM): four columns of two rows by four columns of two rows. Each of the
// four sums takes the first two columns, and then the other two, as BFDOT does, so
// that pairs of rows and a row alone get the same bits.
//
// FMLAL (Arm ARM, FEAT_FHM): the product of two f16 is added to an f32 lane with one
// rounding. So it gives, bit for bit, what widening both and FMLA give, in fewer
// instructions.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_NARROWFLOATS_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_NARROWFLOATS_H

#include "codegen/Targets/NarrowEmitter.h"

namespace nibble {

class AArch64BFloatMatrix : public NarrowEmitter {
public:
  mlir::Value multiplyAdd(KernelBuilder &k, mlir::Value sum, mlir::Value weights,
                          mlir::Value activations) const override {
    return k.intrinsic("llvm.aarch64.neon.bfdot", sum.getType(), {sum, weights, activations});
  }
  mlir::Value multiplyTile(KernelBuilder &k, mlir::Value sum, mlir::Value weights,
                           mlir::Value activations) const override {
    return k.intrinsic("llvm.aarch64.neon.bfmmla", sum.getType(), {sum, activations, weights});
  }
};

class AArch64HalfMultiplyAdd : public NarrowEmitter {
public:
  /// Eight rows: the instruction takes the low or the high four of its operands.
  mlir::Value multiplyAdd(KernelBuilder &k, mlir::Value sum, mlir::Value weights,
                          mlir::Value activations) const override {
    mlir::Value low =
        k.intrinsic("llvm.aarch64.neon.fmlal", k.vec(k.f32(), 4), {k.slice(sum, 0, 4), weights, activations});
    mlir::Value high =
        k.intrinsic("llvm.aarch64.neon.fmlal2", k.vec(k.f32(), 4), {k.slice(sum, 4, 4), weights, activations});
    return k.concat(low, high);
  }
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_NARROWFLOATS_H
