//===- Passes.td - phase simplify ------------------------------*- tablegen -*-===//
#ifndef NIBBLE_COMPILER_SIMPLIFY_PASSES
#define NIBBLE_COMPILER_SIMPLIFY_PASSES

include "mlir/Pass/PassBase.td"

def FuseLinears : Pass<"lm-fuse-linears", "::mlir::ModuleOp"> {
  let summary = "Join linears that read the same activations into one.";
  let description = [{
    Query, key and value projections read the same rows, and so do gate and up. Linears of one input, one weight type
    and equal row counts become one linear whose weight is the row-wise concatenation; slices of its result replace
    the old ones. Values do not change: each output row is computed as before.

    ```mlir
    %q = lm.linear %x, %wq rows %n : (tensor<1x64xf32>, tensor<64x64xf32>, index) -> tensor<1x64xf32>
    %k = lm.linear %x, %wk rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
    ```
    becomes one `lm.linear` of 96 rows and two `tensor.extract_slice`. The fused weight is a new symbol with the
    sources of its parts.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

#endif
