//===- Passes.td - verifiers of the phases' contracts ----------*- tablegen -*-===//
#ifndef NIBBLE_COMPILER_PIPELINES_PASSES
#define NIBBLE_COMPILER_PIPELINES_PASSES

include "mlir/Pass/PassBase.td"

def VerifyPhase : Pass<"verify-phase", "::mlir::ModuleOp"> {
  let summary = "Check what a phase promises of its result.";
  let description = [{
    Each phase ends with this pass, so that a broken pass is caught in its own phase. `phase` is a name of
    compiler/Pipelines/Phases.def.

    ```mlir
    %y = lm.linear %x, %w rows %n : (tensor<1x32xf32>, tensor<16x32xf32>, index) -> tensor<1x16xf32>
    ```
    is an error after `legalize`, because the linear has no attribute `compute`.
  }];
  let options = [Option<"phase", "phase", "std::string", "", "the phase whose contract is checked">];
}

#endif
