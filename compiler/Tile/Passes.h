//===- Passes.h - phase tile ----------------------------------------------===//
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace nibble {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Tile/Passes.h.inc"
} // namespace nibble
