//===- Passes.td - phase tile ----------------------------------*- tablegen -*-===//
#ifndef NIBBLE_COMPILER_TILE_PASSES
#define NIBBLE_COMPILER_TILE_PASSES

include "mlir/Pass/PassBase.td"

def TileLinears : Pass<"mpgemm-tile-linears", "::mlir::ModuleOp"> {
  let summary = "Turn each legal linear into quantize, pack and mma.";
  let description = [{
    The attribute `compute` of a linear names its instruction row; the row gives the shape of a panel, and so the
    layout in which the weight is packed. Activations that several linears read in one way are quantized once. Tables
    of embeddings get a layout, too: the one of the linear that shares the weight, or rows one after the other.

    ```mlir
    %y = lm.linear %x, %w rows %n
       {compute = #mpgemm.compute<weight = !lowbit.block<i8, 32, f16>, activation = i8, accumulator = i32,
       row = "generic_base_1x4x4_s8s8s32">}
       : (tensor<1x64xf32>, tensor<16x64x!lowbit.block<i8, 32, f16>>, index) -> tensor<1x16xf32>
    ```
    becomes `mpgemm.pack` of %w, `mpgemm.quantize` of %x and an `mpgemm.mma` of what they give.
  }];
  let dependentDialects = ["::nibble::mpgemm::MPGEMMDialect"];
}

def FuseResiduals : Pass<"mpgemm-fuse-residuals", "::mlir::func::FuncOp"> {
  let summary = "Add the residual in the epilogue of the product or norm before it.";
  let description = [{
    `arith.addf` of an `mpgemm.mma` or an `lm.rms_norm` that has no other use becomes the residual of that operation.

    ```mlir
    %y = mpgemm.mma %w, (%x) rows %n
       {row = "generic_base_1x4x1_f32f32f32", layout = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1,
       bias = 0>}
       : (tensor<2048xi8, #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>>, tensor<4x32xf32>,
          index) -> tensor<4x16xf32>
    %z = arith.addf %y, %r : tensor<4x16xf32>
    ```
    becomes `mpgemm.mma %w, (%x) rows %n residual %r`.
  }];
}

def FuseQuantize : Pass<"mpgemm-fuse-quantize", "::mlir::func::FuncOp"> {
  let summary = "Quantize the rows of a norm or a gated unit while they are computed.";
  let description = [{
    `mpgemm.quantize` of an `lm.rms_norm`, `lm.layer_norm` or `lm.glu` that has no other use becomes
    `mpgemm.norm_quantize` or `mpgemm.glu_quantize`, and the rows are never written. Norms of heads and norms with a
    residual stay, and so does a gated unit whose rows have one scale. Of a single row of at most 1024 columns that only
    products read, each thread makes the codes for itself (`replicated`), which spares a barrier.

    ```mlir
    %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64}
       : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
    %c, %s, %t = mpgemm.quantize %y, %n {group = 32 : i64, sum_group = 32 : i64}
      : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
    ```
    becomes one `mpgemm.norm_quantize %x, %w, %n`.
  }];
  let dependentDialects = ["::nibble::mpgemm::MPGEMMDialect"];
}

def FuseRope : Pass<"lm-fuse-rope", "::mlir::func::FuncOp"> {
  let summary = "Rotate queries where they are read and keys where they are written to the cache.";
  let description = [{
    Runs after `lm-split-attention`. `lm.rope` of a query that only an attention reads, or of a key that only an
    `lm.kv_append` writes, becomes the clause `rope` of that. Where `lm.attention_partials` of one row follow the
    `lm.kv_append` of the same row, they take it over (`append`): no barrier is left between the two. The bits stay.

    ```mlir
    %r = lm.rope %k, %table at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
      : (tensor<4x32xf32>, tensor<65x8x2xf32>, index, index) -> tensor<4x32xf32>
    lm.kv_append %r, %v into %kk, %kv at (%layer, %pos, %n)
      : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
    ```
    becomes `lm.kv_append %k, %v into %kk, %kv at (%layer, %pos, %n) rope %table {pairing = #lm.pairing<halves>}`.
  }];
}

def FoldPacks : Pass<"mpgemm-fold-packs", "::mlir::ModuleOp"> {
  let summary = "Give every packed weight its packed type, so that the linker writes it that way.";
  let description = [{
    `mpgemm.pack` of a weight, or of the argument through which a layer function gets it, disappears: the symbol, its
    references and the arguments take the packed type. Embedding tables without a layout are given one: that of the
    linear that shares the weight, or rows one after the other.

    ```mlir
    %w = lm.weight_ref @w : tensor<16x32xf32>
    %p = mpgemm.pack %w : tensor<16x32xf32>
       -> tensor<2048xi8, #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>>
    ```
    becomes one `lm.weight_ref` of the packed type, which is the type of `@w`, too.
  }];
  let dependentDialects = ["::nibble::mpgemm::MPGEMMDialect"];
}

def SplitAttention : Pass<"lm-split-attention", "::mlir::func::FuncOp"> {
  let summary = "Do the attention of one row chunk by chunk, and join the chunks.";
  let description = [{
    `lm.attention` of one row over a cache of more than 128 positions becomes `lm.attention_partials` and
    `lm.attention_combine`: few heads over many positions are work for the whole team. The bits of the result stay.

    ```mlir
    %y = lm.attention %q, %kk, %kv at (%layer, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
       : (tensor<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index, index) -> tensor<1x64xf32>
    ```
    becomes records of two chunks, `tensor<2x4x18xf32>`, and the row that they make.
  }];
  let dependentDialects = ["::nibble::lm::LMDialect"];
}

#endif
