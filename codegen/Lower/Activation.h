//===- Activation.h - the function of a linear unit ------------*- C++ -*-===//
//
// What lm.activation names, for the kernels that apply it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_ACTIVATION_H
#define NIBBLE_CODEGEN_LOWER_ACTIVATION_H

#include "codegen/Lower/KernelBuilder.h"
#include "dialects/LM/LM.h"

namespace nibble {

/// f(x) of an f32 or a vector of them.
mlir::Value emitActivation(KernelBuilder &k, lm::Activation activation, mlir::Value x);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_ACTIVATION_H
