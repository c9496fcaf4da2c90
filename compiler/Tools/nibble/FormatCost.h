//===- FormatCost.h - how a format runs on a machine ------------------------===//
//
// Compiles a small linear layer with weights of the type, up to its kernel, and says what was chosen and counts the
// kernel's operations. Nothing about formats or machines is known here.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Target/TargetInfo.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Types.h"

#include <string>

namespace nibble {

struct FormatCost {
  std::string way; ///< "integer dot", "integer matrix", "codebook, integer dot", "float"; why not, if there is none
  std::string row; ///< of the instruction table; empty if there is none
  unsigned numberBits = 0; ///< of the numbers that are multiplied; 0 for floats and look-ups
  double operations = 0; ///< vector operations a weight, with one row of activations
};

/// `context` has all dialects loaded.
FormatCost costOf(mlir::MLIRContext &context, mlir::Type element, const TargetInfo &target);

} // namespace nibble
