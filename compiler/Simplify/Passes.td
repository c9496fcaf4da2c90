//===- Passes.td - phase simplify ------------------------------*- tablegen -*-===//
#ifndef NIBBLE_COMPILER_SIMPLIFY_PASSES
#define NIBBLE_COMPILER_SIMPLIFY_PASSES

include "mlir/Pass/PassBase.td"

def RequantizeWeights : Pass<"lm-requantize-weights", "::mlir::ModuleOp"> {
  let summary = "Give weights the number formats that were asked for.";
  let description = [{
    The one place where a weight may lose precision, and only where the option `weights` says so (its grammar is in
    compiler/Simplify/WeightRules.h and docs/formats.md). Matrices of linears and tables of embeddings take the element
    type that the last matching entry gives; their sources are marked with `requantized` and the tensor's name, and the
    values are rounded when the weight is packed. A source that holds the type already stays as it is, bit for bit.
    Functions are copied where their callers' weights no longer have one type. An entry that matches no tensor is an
    error; sources that are low-bit already are a warning, because errors add up.

    ```mlir
    lm.weight @blk.0.attn_q.weight : tensor<64x64xf16> from [#lm.source<"m", 0, 8192, "f16">]
    ```
    becomes, with `weights=int4:g64`, a weight of `tensor<64x64x!lowbit.block<u4, 64, f16, zp = 8>>` from
    `#lm.source<"m", 0, 8192, "f16", requantized = "blk.0.attn_q.weight">`.
  }];
  let options = [Option<"weights", "weights", "std::string", "\"keep\"", "formats, for all tensors or by name">];
  let dependentDialects = ["::nibble::lowbit::LowBitDialect"];
}

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
