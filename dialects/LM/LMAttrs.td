//===- LMAttrs.td - where weights come from, enums of lm -------*- tablegen -*-===//
#ifndef NIBBLE_DIALECTS_LM_LMATTRS_TD
#define NIBBLE_DIALECTS_LM_LMATTRS_TD

include "dialects/LM/LMDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class LM_Attr<string name, string mnemonic_> : AttrDef<LM_Dialect, name> { let mnemonic = mnemonic_; }

def LM_SourceAttr : LM_Attr<"Source", "source"> {
  let summary = "A range of bytes in a file and the storage format they are in.";
  let description = [{
    `offset` and `size` are bytes; `format` is a row of the format table (`nibble formats`). `requantized` names the
    tensor of a source whose values are to be rounded to the weight's element type; without it the source holds exactly
    that type. Before that, `plus` is added to each value (norms that are stored less one) and the `adapters`, each a
    `#lm.lora`, are merged in their order, all in f32.

    Example: `#lm.source<"model.gguf", 4096, 184320, "q4_1">`
  }];
  let parameters = (ins StringRefParameter<"path of the file">:$file, "uint64_t":$offset, "uint64_t":$size,
                        StringRefParameter<"storage format">:$format,
                        OptionalParameter<"::mlir::StringAttr">:$requantized,
                        OptionalParameter<"::mlir::FloatAttr">:$plus,
                        OptionalParameter<"::mlir::ArrayAttr">:$adapters);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$file, "uint64_t":$offset, "uint64_t":$size,
                                   "::llvm::StringRef":$format), [{
    return $_get($_ctxt, file, offset, size, format, ::mlir::StringAttr(), ::mlir::FloatAttr(), ::mlir::ArrayAttr());
  }]>];
  let extraClassDeclaration = [{
    /// Whether the values are others than those of the file.
    bool isChanged() const { return getPlus() || getAdapters(); }
    /// The same with another mark `requantized`.
    SourceAttr withRequantized(::mlir::StringAttr name) const {
      return get(getContext(), getFile(), getOffset(), getSize(), getFormat(), name, getPlus(), getAdapters());
    }
  }];
  let assemblyFormat = [{
    `<` $file `,` $offset `,` $size `,` $format (`,` struct($requantized, $plus, $adapters)^)? `>`
  }];
}

def LM_LoraAttr : LM_Attr<"Lora", "lora"> {
  let summary = "A change of low rank that is added to a weight.";
  let description = [{
    LoRA (Hu et al., arXiv 2106.09685): W + scale · B · A, where A has `rank` rows of the weight's columns and B `rank`
    columns for each of its rows. With a `magnitude`, one number a row, DoRA (Liu et al., arXiv 2402.09353): each row is
    then divided by its length and multiplied with its magnitude. `heads` says that the weight's rows are those of so
    many heads with the pairs 2i and 2i+1 side by side, where the rows of B have i and i + dims/2.

    Example: `#lm.lora<a = <"a", 512, 256, "f32">, b = <"a", 768, 256, "f32">, rank = 2, scale = 2.0 : f64>`
  }];
  let parameters = (ins "::nibble::lm::SourceAttr":$a, "::nibble::lm::SourceAttr":$b, "uint64_t":$rank,
                        "::mlir::FloatAttr":$scale, OptionalParameter<"uint64_t">:$heads,
                        OptionalParameter<"::nibble::lm::SourceAttr">:$magnitude);
  let assemblyFormat = "`<` struct(params) `>`";
}

def LM_RopeTableAttr : LM_Attr<"RopeTable", "rope_table"> {
  let summary = "A table of rotary angles that the compiler computes.";
  let description = [{
    Describes cosine and sine tables of rotary position embedding (RoFormer, arXiv 2104.09864, section 3.4) with the
    scaling kinds found in model files: `none`, `linear`, `llama3` and `yarn` (arXiv 2309.00071). `dims` is the
    number of rotated dimensions of a head, `base` the base of the frequencies. `factors` are `dims/2` divisors,
    one a frequency.

    Example: `#lm.rope_table<base = 1.0e+04 : f64, dims = 64, scaling = "none">`
  }];
  let parameters = (ins "::mlir::FloatAttr":$base, "uint64_t":$dims, StringRefParameter<"scaling kind">:$scaling,
      OptionalParameter<"::mlir::FloatAttr">:$factor,
      OptionalParameter<"::mlir::FloatAttr">:$lowFrequencyFactor,
      OptionalParameter<"::mlir::FloatAttr">:$highFrequencyFactor,
      OptionalParameter<"::mlir::FloatAttr">:$originalContext,
      OptionalParameter<"::mlir::FloatAttr">:$attentionFactor,
      OptionalParameter<"::mlir::FloatAttr">:$betaFast,
      OptionalParameter<"::mlir::FloatAttr">:$betaSlow,
      OptionalParameter<"::mlir::FloatAttr">:$extrapolationFactor,
      OptionalParameter<"::mlir::DenseF32ArrayAttr">:$factors);
  let assemblyFormat = "`<` struct(params) `>`";
}

def LM_Pairing : I32EnumAttr<"Pairing", "which two dimensions of a head are rotated together", [
    I32EnumAttrCase<"Interleaved", 0, "interleaved">,  // (2i, 2i+1)
    I32EnumAttrCase<"Halves", 1, "halves">]> {         // (i, i + dims/2)
  let cppNamespace = "::nibble::lm";
  let genSpecializedAttr = 0;
}
def LM_PairingAttr : EnumAttr<LM_Dialect, LM_Pairing, "pairing"> { let assemblyFormat = "`<` $value `>`"; }

def LM_Activation : I32EnumAttr<"Activation", "the function of a gated linear unit", [
    I32EnumAttrCase<"SiLU", 0, "silu">,    // x / (1 + exp(-x))
    I32EnumAttrCase<"GELU", 1, "gelu">,    // the tanh form, Hendrycks and Gimpel, arXiv 1606.08415
    I32EnumAttrCase<"ReLU2", 2, "relu2">]> { // max(x, 0)², So et al., arXiv 2109.08668
  let cppNamespace = "::nibble::lm";
  let genSpecializedAttr = 0;
}
def LM_ActivationAttr : EnumAttr<LM_Dialect, LM_Activation, "activation"> { let assemblyFormat = "`<` $value `>`"; }

#endif
