//===- DotProduct.h - sdot by element --------------------------*- C++ -*-===//
//
// Four products of signed bytes added to each i32 lane: Arm ARM, SDOT (by
// element). The by-element form takes its activations from one lane of a
// register, so that four quads cost one load and no splat.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_DOTPRODUCT_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_DOTPRODUCT_H

#include "codegen/Targets/DotEmitter.h"

namespace nibble {

class AArch64DotProduct : public DotEmitter {
public:
  KernelBuilder::Values loadActivations(KernelBuilder &k, int64_t lanes, mlir::Value pointer,
                                        int64_t quads) const override;
  mlir::Value multiply(KernelBuilder &k, mlir::Value sum, mlir::ValueRange weights, mlir::ValueRange activations,
                       WeightCodes codes) const override;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_DOTPRODUCT_H
