//===- BFloatDot.h - vdpbf16ps ---------------------------------*- C++ -*-===//
//
// Intel SDM, VDPBF16PS: two products of bf16 added to an f32 lane, one after the other,
// each with one rounding to the nearest; denormals are zeros.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_X86_BFLOATDOT_H
#define NIBBLE_CODEGEN_TARGETS_X86_BFLOATDOT_H

#include "codegen/Targets/NarrowEmitter.h"

namespace nibble {

class X86BFloatDot : public NarrowEmitter {
public:
  mlir::Value multiplyAdd(KernelBuilder &k, mlir::Value sum, mlir::Value weights,
                          mlir::Value activations) const override {
    return k.intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", sum.getType(), {sum, weights, activations});
  }
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_X86_BFLOATDOT_H
