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
    %y = lm.linear %x, %w rows %n {compute = #mpgemm.compute<…, activation = i8, …>} : …
    ```
    becomes
    ```mlir
    %p = mpgemm.pack %w : …
    %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : …
    %y = mpgemm.mma %p, (%c, %s, %t) rows %n {…} : …
    ```
  }];
  let dependentDialects = ["::nibble::mpgemm::MPGEMMDialect"];
}

def FuseResiduals : Pass<"mpgemm-fuse-residuals", "::mlir::func::FuncOp"> {
  let summary = "Add the residual in the epilogue of the product before it.";
  let description = [{
    `arith.addf` of an `mpgemm.mma` that has no other use becomes the residual of that `mma`.
  }];
}

def FoldPacks : Pass<"mpgemm-fold-packs", "::mlir::ModuleOp"> {
  let summary = "Give every packed weight its packed type, so that the linker writes it that way.";
  let description = [{
    `mpgemm.pack` of a weight, or of the argument through which a layer function gets it, disappears: the symbol, its
    references and the arguments take the packed type. Embedding tables without a layout are given one.
  }];
  let dependentDialects = ["::nibble::mpgemm::MPGEMMDialect"];
}

#endif
