//===- Passes.h - phase legalize ------------------------------------------===//
#pragma once
#include "mlir/Pass/Pass.h"

namespace nibble {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Legalize/Passes.h.inc"
} // namespace nibble
