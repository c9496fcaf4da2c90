//===- Passes.h - phase lower ---------------------------------------------===//
#pragma once
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace nibble {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "codegen/Lower/Passes.h.inc"

/// Appends the passes from buffer form to the llvm dialect.
void addLowerPasses(mlir::OpPassManager &manager);
} // namespace nibble
