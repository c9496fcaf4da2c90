//===- Passes.td - phase legalize ------------------------------*- tablegen -*-===//
#ifndef NIBBLE_COMPILER_LEGALIZE_PASSES
#define NIBBLE_COMPILER_LEGALIZE_PASSES

include "mlir/Pass/PassBase.td"

def LegalizeLinears : Pass<"legalize-linears", "::mlir::ModuleOp"> {
  let summary = "Give every linear types that the target can compute with.";
  let description = [{
    Chooses for each `LinearLike` the triple (weight, activation, accumulator) and the instruction row, as the
    attribute `compute`: an integer dot product where the weight's codes fit a row's operand, a float row elsewhere.
    The weight's value never changes; an eight-bit signed code for an unsigned operand becomes the unsigned code with
    zero point 128. A choice that falls back to a generic row is a remark that names the missing features, and an
    error with `require-native`.

    `activations` says what the other operand is: `int8` (a scale for 32 columns), `int8:row` (a scale for a row), or
    f16, bf16 or f32, which make every linear a float product.

    ```mlir
    %y = lm.linear %x, %w rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x64xf32>
    ```
    gets `{compute = #mpgemm.compute<weight = !lowbit.block<…>, activation = i8, accumulator = i32, row = "…">}`.
  }];
  let options = [
    Option<"strategy", "strategy", "std::string", "\"auto\"", "auto, dot or float">,
    Option<"activations", "activations", "std::string", "\"int8\"", "int8, int8:row, f16, bf16 or f32">,
    Option<"requireNative", "require-native", "bool", "false", "fail instead of falling back to a generic row">
  ];
  let dependentDialects = ["::nibble::mpgemm::MPGEMMDialect"];
}

#endif
