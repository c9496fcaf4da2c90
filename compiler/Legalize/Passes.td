//===- Passes.td - phase legalize ------------------------------*- tablegen -*-===//
#ifndef NIBBLE_COMPILER_LEGALIZE_PASSES
#define NIBBLE_COMPILER_LEGALIZE_PASSES

include "mlir/Pass/PassBase.td"

def ReencodeGrids : Pass<"reencode-grids", "::mlir::ModuleOp"> {
  let summary = "Give each element of a lattice format a code of its own.";
  let description = [{
    Weights of linears and tables of embeddings that are stored as vectors of a grid become tensors of the grid's
    codebook by a `lowbit.cast`, which changes no value.

    ```mlir
    func.func @f(%t: tensor<1xi32>, %w: tensor<64x256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>>, %n: index)
       -> tensor<1x256xf32> {
      %y = lm.embed %t, %w, %n
         : (tensor<1xi32>, tensor<64x256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>>, index) -> tensor<1x256xf32>
      return %y : tensor<1x256xf32>
    }
    ```
    reads `lowbit.cast %w : … -> tensor<64x256x!lowbit.block<iq2, 16, u5 x f16 : 256>>` then.
  }];
  let dependentDialects = ["::nibble::lowbit::LowBitDialect"];
}

def FoldSubScales : Pass<"fold-sub-scales", "::mlir::ModuleOp"> {
  let summary = "Give linears one scale for a group where two levels cost more time than they save.";
  let description = [{
    A weight whose groups have an integer times a float as scale becomes, by a `lowbit.cast`, one with an f32 for each
    group: no value changes, the kernel is shorter, and the program is larger. Folds only where an f32 holds every
    product. `sub-scales` says when: `auto`, where the cost model of `legalize-linears` (with the same `strategy` and
    `activations`) expects the linear to be faster by 5 % on this CPU; `fold`, wherever it is exact; `keep`, nowhere.
    A remark says what was folded, and what that costs and gains. Tables that only embeddings read stay.

    ```mlir
    func.func @f(%x: tensor<1x256xf32>, %w: tensor<64x256x!lowbit.block<i3, 16, i6 x f16 : 256>>, %n: index)
       -> tensor<1x64xf32> {
      %y = lm.linear %x, %w rows %n
         : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<i3, 16, i6 x f16 : 256>>, index) -> tensor<1x64xf32>
      return %y : tensor<1x64xf32>
    }
    ```
    reads `lowbit.cast %w : … -> tensor<64x256x!lowbit.block<i3, 16, f32>>` then.
  }];
  let options = [
    Option<"subScales", "sub-scales", "std::string", "\"auto\"", "auto, fold or keep">,
    Option<"strategy", "strategy", "std::string", "\"auto\"", "as of legalize-linears">,
    Option<"activations", "activations", "std::string", "\"int8\"", "as of legalize-linears">
  ];
  let dependentDialects = ["::nibble::lowbit::LowBitDialect"];
}

def LegalizeLinears : Pass<"legalize-linears", "::mlir::ModuleOp"> {
  let summary = "Give every linear types that the target can compute with.";
  let description = [{
    Chooses for each `LinearLike` the triple (weight, activation, accumulator) and the instruction row, as the
    attribute `compute`: integer dot products or look-ups, whichever the cost model expects to be faster, where the
    weight's codes, or the numbers that they stand for in a codebook, allow it, a float row elsewhere; `strategy`
    overrides it where it can. A remark says what was chosen, what it costs and what the alternatives cost.
    The weight's value never changes; an eight-bit signed code for an unsigned operand becomes the unsigned code with
    zero point 128. A choice that falls back to a generic row is a remark that names the missing features, and an
    error with `require-native`.

    `lut-fast` looks up where `lut` does, but averages what it finds instead of adding it, which is lossy
    (dialects/MPGEMM/AveragedSums.h has the bound).

    `activations` says what the other operand is: `int8` (a scale for 32 columns), `int8:row` (a scale for a row), or
    f16, bf16 or f32, which make every linear a float product.

    ```mlir
    %y = lm.linear %x, %w rows %n
       : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x64xf32>
    ```
    gets `{compute = #mpgemm.compute<weight = !lowbit.block<…>, activation = i8, accumulator = i32, row = "…">}`.
  }];
  let options = [
    Option<"strategy", "strategy", "std::string", "\"auto\"", "auto, dot, lut, lut-fast or float">,
    Option<"activations", "activations", "std::string", "\"int8\"", "int8, int8:row, f16, bf16 or f32">,
    Option<"requireNative", "require-native", "bool", "false", "fail instead of falling back to a generic row">
  ];
  let dependentDialects = ["::nibble::mpgemm::MPGEMMDialect"];
}

#endif
