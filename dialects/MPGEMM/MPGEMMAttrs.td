//===- MPGEMMAttrs.td - layout and target ----------------------*- tablegen -*-===//
#ifndef NIBBLE_DIALECTS_MPGEMM_MPGEMMATTRS_TD
#define NIBBLE_DIALECTS_MPGEMM_MPGEMMATTRS_TD

include "dialects/MPGEMM/MPGEMMDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class MPGEMM_Attr<string name, string mnemonic_> : AttrDef<MPGEMM_Dialect, name> { let mnemonic = mnemonic_; }

def MPGEMM_LayoutAttr : MPGEMM_Attr<"Layout", "layout"> {
  let summary = "Where the bytes of a packed weight lie.";
  let description = [{
    `element` says what numbers the weight holds, `n` × `k` how many; `nr` rows are interleaved in runs of `kr`
    columns; `bias` is added (modulo 256) to eight-bit codes. dialects/MPGEMM/PanelLayout.h draws it. With `lookup` the
    codes lie as indices into tables, vectors of `kr` columns (dialects/MPGEMM/LookupLayout.h).

    Example: `#mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 576, k = 576, nr = 16, kr = 4, bias = 0>`
  }];
  let parameters = (ins "::mlir::Type":$element, "int64_t":$n, "int64_t":$k, "int64_t":$nr, "int64_t":$kr,
                        "int64_t":$bias, DefaultValuedParameter<"bool", "false">:$lookup);
  let builders = [AttrBuilder<(ins "::mlir::Type":$element, "int64_t":$n, "int64_t":$k, "int64_t":$nr, "int64_t":$kr,
                                   "int64_t":$bias),
                              [{ return $_get($_ctxt, element, n, k, nr, kr, bias, false); }]>];
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The same layout as offsets.
    PanelLayout getPanelLayout() const;
    /// The type of a weight packed this way: tensor<BYTES x i8, this>.
    ::mlir::RankedTensorType getPackedType() const;
  }];
}

def MPGEMM_TargetAttr : MPGEMM_Attr<"Target", "target"> {
  let summary = "The machine that a module is compiled for.";
  let description = [{
    The attribute `mpgemm.target` of a module. `features` are LLVM's names, `+` or `-` before each, and
    the length of scalable vectors where the CPU does not say it (compiler/Target); `strategy` is how
    linears are computed: `auto`, `dot`, `lut` or `float`.

    Example: `#mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">`
  }];
  let parameters = (ins StringRefParameter<"target triple">:$triple, StringRefParameter<"CPU name">:$cpu,
                        StringRefParameter<"features">:$features);
  let assemblyFormat = "`<` struct(params) `>`";
}

def MPGEMM_ComputeAttr : MPGEMM_Attr<"Compute", "compute"> {
  let summary = "The types in which a linear is computed, and the instruction row that does it.";
  let description = [{
    The triple of phase `legalize`: the weight as it is multiplied, the activation, the accumulator.

    Example: `#mpgemm.compute<weight = !lowbit.block<u4, 32, f16, zp = 8>, activation = i8, accumulator = i32,
    row = "generic_base_1x4x4_s8s8s32">`
  }];
  let parameters = (ins "::mlir::Type":$weight, "::mlir::Type":$activation, "::mlir::Type":$accumulator,
                        StringRefParameter<"row of the instruction table">:$row);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif
