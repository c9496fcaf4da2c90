//===- WeightsOption.cpp - the option --weights ----------------------------===//
//
// The list of formats is read where it is used, by the pass lm-requantize-weights; here it is read once before anything
// else is done, so that a slip of the pen is shown at once and at its place.
//
//===----------------------------------------------------------------------===//
#include "compiler/Simplify/WeightRules.h"
#include "compiler/Tools/nibble/Commands.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

namespace nibble {

int checkWeightRules(const std::string &text) {
  mlir::MLIRContext context;
  context.loadDialect<lowbit::LowBitDialect>();
  lowbit::TextError error;
  if (WeightRules::parse(text, &context, error))
    return kDone;
  reportError(kUsage, "--weights, column " + std::to_string(error.column + 1) + ": " + error.message);
  llvm::errs() << "  " << text << "\n  ";
  llvm::errs().indent(unsigned(error.column)) << "^\n";
  return kUsage;
}

} // namespace nibble
