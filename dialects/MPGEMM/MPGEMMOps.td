//===- MPGEMMOps.td - operations of mpgemm ---------------------*- tablegen -*-===//
#ifndef NIBBLE_DIALECTS_MPGEMM_MPGEMMOPS_TD
#define NIBBLE_DIALECTS_MPGEMM_MPGEMMOPS_TD

include "dialects/LM/LMInterfaces.td"
include "dialects/MPGEMM/MPGEMMAttrs.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class MPGEMM_Op<string mnemonic, list<Trait> traits = []> : Op<MPGEMM_Dialect, mnemonic, traits>;

def MPGEMM_Shaped : AnyTypeOf<[AnyRankedTensor, AnyMemRef]>;

// The function of a gated unit, an attribute of lm.
def MPGEMM_Activation : Attr<CPred<"::llvm::isa<::nibble::lm::ActivationAttr>($_self)">, "an #lm.activation"> {
  let storageType = "::nibble::lm::ActivationAttr";
  let returnType = "::nibble::lm::Activation";
  let convertFromStorage = "$_self.getValue()";
}

def MPGEMM_PackOp : MPGEMM_Op<"pack", [Pure]> {
  let summary = "A weight as bytes in the order the kernel reads them.";
  let description = [{
    Executed by the compiler: `tile` folds it into the `lm.weight` it comes from, and one that is left is an error.
    ```mlir
    %p = mpgemm.pack %w : tensor<16x32xf32>
      -> tensor<2048xi8, #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def MPGEMM_QuantizeOp
    : MPGEMM_Op<"quantize", [LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Activations as int8 codes with a scale a group and sums of codes.";
  let description = [{
    For each row and each `group` of columns a scale and codes of -127 to 127. With steps t = x / (max|x| / 127), the
    candidates for c in 127, 125, 123, 121 have the codes t · (c / 127), rounded to the nearest, ties to even, and the
    scale max|x| / c; the one with the least sum of (x - code · scale)² is taken, the first among equals. A group of
    zeros has scale 0 and codes 0. `sums` are the sums of `sum_group` codes each, which weights with
    a zero point or a minimum need. A group of more than 32 columns has the scale max|x| / 127, without candidates: it
    is the row as a whole, whose codes lose little by it. Rows at and after `n` are not computed in the buffer form.
    Codes with R times as many columns as x are those of R interleaved rows (dialects/MPGEMM/ActivationLayout.h), which
    rows of the instruction table that multiply pairs want; scales and sums then stand twice. With `joins_halves` the
    columns of both halves of each 32 take turns by two, as an `mpgemm.mma` with that attribute reads them.
    ```mlir
    %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64}
      : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
    ```
  }];
  let arguments = (ins MPGEMM_Shaped:$x, Index:$n, I64Attr:$group, I64Attr:$sum_group,
                       UnitAttr:$joins_halves, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$x `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
  let hasVerifier = 1;
}

def MPGEMM_NormQuantizeOp
    : MPGEMM_Op<"norm_quantize", [AttrSizedOperandSegments, LM_TeamOp,
                                  DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Rows normed and quantized at once: mpgemm.quantize of lm.rms_norm, or of lm.layer_norm.";
  let description = [{
    The normed row stays in registers. Codes, scales and sums are those that `mpgemm.quantize` gives of what the norm
    writes, to the bit; with `centred` the norm is `lm.layer_norm`. With `replicated`, each thread of the team makes all
    of them for itself, in memory of its own: for a single narrow row that is less work than waiting for the others.
    Made by
    `mpgemm-fuse-quantize`.
    ```mlir
    %c, %s, %t = mpgemm.norm_quantize %x, %w, %n {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64}
      : (tensor<4x64xf32>, tensor<64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
    ```
  }];
  let arguments = (ins MPGEMM_Shaped:$x, MPGEMM_Shaped:$weight, Optional<MPGEMM_Shaped>:$bias, Index:$n,
                       F64Attr:$epsilon, UnitAttr:$centred, I64Attr:$group, I64Attr:$sum_group, UnitAttr:$joins_halves,
                       UnitAttr:$replicated, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $weight (`bias` $bias^)? `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    std::string getPartition(::mlir::OpOperand &operand);
    bool isReplicated() { return getReplicated(); }
  }];
  let hasVerifier = 1;
}

def MPGEMM_GluQuantizeOp
    : MPGEMM_Op<"glu_quantize", [LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "f(gate) · up quantized at once: mpgemm.quantize of lm.glu.";
  let description = [{
    The product stays in registers. Codes, scales and sums are those that `mpgemm.quantize` gives of what `lm.glu`
    writes, to the bit. A group has at most 32 columns: a scale of the whole row would need the products twice. Made by
    `mpgemm-fuse-quantize`.
    ```mlir
    %c, %s, %t = mpgemm.glu_quantize %gate, %up, %n
       {activation = #lm.activation<silu>, group = 32 : i64, sum_group = 32 : i64}
      : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
    ```
  }];
  let arguments = (ins MPGEMM_Shaped:$gate, MPGEMM_Shaped:$up, Index:$n, MPGEMM_Activation:$activation, I64Attr:$group,
                       I64Attr:$sum_group, UnitAttr:$joins_halves, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$gate `,` $up `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
  let hasVerifier = 1;
}

def MPGEMM_RoundOp : MPGEMM_Op<"round", [LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Activations as the nearest numbers of f16 or bf16, in f32.";
  let description = [{
    What products of f16 or bf16 activations read: rounded to the nearest, ties to even, and computed with in f32. Rows
    at and after `n` are not computed in the buffer form.
    ```mlir
    %y = mpgemm.round %x, %n {type = f16} : (tensor<4x64xf32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins MPGEMM_Shaped:$x, Index:$n, TypeAttr:$type, Variadic<AnyMemRef>:$outs);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = "$x `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    std::string getPartition(::mlir::OpOperand &operand) { return "rows"; }
  }];
  let hasVerifier = 1;
}

def MPGEMM_LutBuildOp
    : MPGEMM_Op<"lut_build", [LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Tables of what four activation codes can add up to, for weights that are looked up.";
  let description = [{
    For each row and each four columns the 16 sums of any of their codes, less the smallest of these sums, cut into a
    low and a high byte: 8 bytes a column, in the order that dialects/MPGEMM/LookupLayout.h draws. `bases` are the sums
    of the negative codes of `sum_group` columns each: what was taken off. Nothing is rounded, so a product by look-up
    is bit for bit the one by multiplication. Built once, the tables serve all products of the same activations. Rows at
    and after `n` are not computed in the buffer form. Tables of 4 bytes a column have entries of one byte, halved and
    rounded, for rows that average what they look up (dialects/MPGEMM/AveragedSums.h).
    ```mlir
    %t, %b = mpgemm.lut_build %codes, %n {sum_group = 32 : i64}
      : (tensor<4x64xi8>, index) -> (tensor<4x512xi8>, tensor<4x2xi32>)
    ```
  }];
  let arguments = (ins MPGEMM_Shaped:$codes, Index:$n, I64Attr:$sum_group, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$codes `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
  let hasVerifier = 1;
}

def MPGEMM_MmaOp : MPGEMM_Op<"mma", [AttrSizedOperandSegments, LM_TeamOp,
                                     DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "y[m,n] = Σ_k x[m,k] · w[n,k] (+ bias[n]) (+ residual[m,n]) with one instruction row.";
  let description = [{
    `activations` are (codes, scales, sums) of `mpgemm.quantize`, interleaved or not as `row` wants them; (tables,
    scales, sums, bases) of it and
    `mpgemm.lut_build` where the layout's codes are looked up; or one f32 matrix for a float row. `row` names the
    row of the instruction table. Groups of columns are added in ascending order, each as one fused multiply-add of
    the scales' product with the exact integer dot product, so a row's result does not depend on how many rows are
    computed at once. Rows at and after `n` are not computed in the buffer form. `slot` is the counter of the thread
    team from which threads claim panels; without one they take equal shares. `joins_halves`: codes are those of an
    `mpgemm.quantize` with that attribute.
    ```mlir
    %y = mpgemm.mma %w, (%x) rows %n
       {row = "generic_base_1x4x1_f32f32f32", layout = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1,
       bias = 0>}
      : (tensor<2048xi8, #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>>, tensor<4x32xf32>,
         index) -> tensor<4x16xf32>
    ```
  }];
  let arguments = (ins MPGEMM_Shaped:$weight, Variadic<MPGEMM_Shaped>:$activations, Index:$n,
                       Optional<MPGEMM_Shaped>:$bias, Optional<MPGEMM_Shaped>:$residual, Variadic<AnyMemRef>:$outs,
                       StrAttr:$row, MPGEMM_LayoutAttr:$layout, UnitAttr:$joins_halves, OptionalAttr<I64Attr>:$slot);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $weight `,` `(` $activations `)` `rows` $n (`bias` $bias^)? (`residual` $residual^)? (`into` $outs^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def MPGEMM_ExpertMmaOp : MPGEMM_Op<"expert_mma", [AttrSizedOperandSegments, LM_TeamOp,
                                                  DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "y[i,n] = Σ_k x[i/s,k] · w_e[n,k], e = chosen[i]: a product with the panels of the chosen experts.";
  let description = [{
    The weight is packed as one matrix of the rows of all `experts`; each has whole panels, and those of experts that no
    row chose are not read. What `s` and `rows` are, `lm.expert_linear` says; everything else is as in `mpgemm.mma`, of
    which each row of the result has the bits.
    ```mlir
    %y = mpgemm.expert_mma %w, (%x), %chosen rows %n
       {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #mpgemm.layout<element = f32, n = 32,
       k = 32, nr = 16, kr = 1, bias = 0>}
      : (tensor<4096xi8, #mpgemm.layout<element = f32, n = 32, k = 32, nr = 16, kr = 1, bias = 0>>, tensor<4x32xf32>,
         tensor<4x2xi32>, index) -> tensor<8x16xf32>
    ```
  }];
  let arguments = (ins MPGEMM_Shaped:$weight, Variadic<MPGEMM_Shaped>:$activations, MPGEMM_Shaped:$chosen, Index:$n,
                       Variadic<AnyMemRef>:$outs, StrAttr:$row, MPGEMM_LayoutAttr:$layout,
                       ConfinedAttr<I64Attr, [IntPositive]>:$experts);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $weight `,` `(` $activations `)` `,` $chosen `rows` $n (`into` $outs^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif
