//===- nibble-opt.cpp - every pass and pipeline on textual IR --------------===//
//
// mlir-opt with Nibble's dialects, passes and the pipelines `nibble-PHASE`, beside the upstream passes that the phases
// are read with. Compiler engineers write their lit tests against it.
//
//===----------------------------------------------------------------------===//
#include "compiler/Pipelines/Pipelines.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  nibble::registerDialects(registry);
  nibble::registerPassesAndPipelines();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Nibble's passes on IR\n", registry));
}
