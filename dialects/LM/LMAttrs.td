//===- LMAttrs.td - where weights come from, enums of lm -------*- tablegen -*-===//
#ifndef NIBBLE_DIALECTS_LM_LMATTRS_TD
#define NIBBLE_DIALECTS_LM_LMATTRS_TD

include "dialects/LM/LMDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class LM_Attr<string name, string mnemonic_> : AttrDef<LM_Dialect, name> { let mnemonic = mnemonic_; }

def LM_PackingAttr : LM_Attr<"Packing", "packing"> {
  let summary = "What belongs to the codes of a weight that a method of quantization packed.";
  let description = [{
    The source that holds it has the codes of `rows` rows, in the places that its format (a row of
    dialects/LowBit/Packings.def) gives them; the values are those of `element`, a `!lowbit.block`.

    `scales` holds a number for each group and every `scale_rows` rows, all groups of a row side by side or, with
    `by_group`, all rows of a group. Each is multiplied with `factor`, or, if `inverse`, one is divided by it; without
    `scales` each is one. `levels` says that scales are bytes, places in a list of 256 numbers, which a number of
    `outer_scales` for each `outer_group` multiplies before `outer_offset` is added. `zeros` holds, in the places that
    its own format gives them, integers that are subtracted from codes after `zero_plus` was added to each. `order`
    holds a group's number for each column of the file; columns are taken in the order of these. Where the source's
    format is a row of the format table, its blocks have the scales beside the codes, and `factor` is what each of them
    is multiplied with (nvfp4 in GGUF files). With an element of two levels, scales as bytes of type u8, the scales of a
    super block are split: the float is `factor` times the power of two that makes bytes of them.

    Example: `#lm.packing<element = !lowbit.block<u4, 32, f16>, rows = 64, scales = <"m", 4096, 256, "f16">>`
  }];
  let parameters = (ins "::mlir::Type":$element, "uint64_t":$rows,
                        OptionalParameter<"::nibble::lm::SourceAttr">:$scales,
                        OptionalParameter<"uint64_t">:$scale_rows, OptionalParameter<"::mlir::UnitAttr">:$by_group,
                        OptionalParameter<"::mlir::FloatAttr">:$factor, OptionalParameter<"::mlir::UnitAttr">:$inverse,
                        OptionalParameter<"::nibble::lm::SourceAttr">:$levels,
                        OptionalParameter<"::nibble::lm::SourceAttr">:$outer_scales,
                        OptionalParameter<"uint64_t">:$outer_group,
                        OptionalParameter<"::mlir::FloatAttr">:$outer_offset,
                        OptionalParameter<"::nibble::lm::SourceAttr">:$zeros, OptionalParameter<"int64_t">:$zero_plus,
                        OptionalParameter<"::nibble::lm::SourceAttr">:$order);
  let assemblyFormat = "`<` struct(params) `>`";
}

def LM_ColumnOrderAttr : LM_Attr<"ColumnOrder", "column_order"> {
  let summary = "The order in which a packed weight has its columns.";
  let description = [{
    A vector of 32-bit integers, computed by the compiler: the places of the numbers of `groups` when they are sorted,
    equal ones in the order of the file (GPTQ's act-order). What `lm.reorder` takes, so that a weight whose
    `#lm.packing` has an `order` is multiplied with its own columns.

    Example: `#lm.column_order<groups = <"m", 512, 256, "i32">>`
  }];
  let parameters = (ins "::nibble::lm::SourceAttr":$groups);
  let assemblyFormat = "`<` struct(params) `>`";
}

def LM_SourceAttr : LM_Attr<"Source", "source"> {
  let summary = "A range of bytes in a file and the storage format they are in.";
  let description = [{
    `offset` and `size` are bytes; `format` is a row of the format table (`nibble formats`). `requantized` names the
    tensor of a source whose values are to be rounded to the weight's element type; without it the source holds exactly
    that type. Before that, `plus` is added to each value (norms that are stored less one) and the `adapters`, each a
    `#lm.lora`, are merged in their order, all in f32. With `packing`, the bytes are codes alone, and `format` says
    where each lies (dialects/LowBit/Packings.def).

    Example: `#lm.source<"model.gguf", 4096, 184320, "q4_1">`
  }];
  let parameters = (ins StringRefParameter<"path of the file">:$file, "uint64_t":$offset, "uint64_t":$size,
                        StringRefParameter<"storage format">:$format,
                        OptionalParameter<"::mlir::StringAttr">:$requantized,
                        OptionalParameter<"::mlir::FloatAttr">:$plus,
                        OptionalParameter<"::mlir::ArrayAttr">:$adapters,
                        OptionalParameter<"::nibble::lm::PackingAttr">:$packing);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$file, "uint64_t":$offset, "uint64_t":$size,
                                   "::llvm::StringRef":$format), [{
    return $_get($_ctxt, file, offset, size, format, ::mlir::StringAttr(), ::mlir::FloatAttr(), ::mlir::ArrayAttr(),
                      PackingAttr());
  }]>];
  let extraClassDeclaration = [{
    /// Whether the values are others than those of the file.
    bool isChanged() const { return getPlus() || getAdapters(); }
    /// The same with another mark `requantized`.
    SourceAttr withRequantized(::mlir::StringAttr name) const {
      return get(getContext(), getFile(), getOffset(), getSize(), getFormat(), name, getPlus(), getAdapters(),
                 getPacking());
    }
  }];
  let assemblyFormat = [{
    `<` $file `,` $offset `,` $size `,` $format (`,` struct($requantized, $plus, $adapters, $packing)^)? `>`
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

def LM_Activation : I32EnumAttr<"Activation", "the function of a linear unit", [
    I32EnumAttrCase<"SiLU", 0, "silu">,    // x / (1 + exp(-x))
    I32EnumAttrCase<"GELU", 1, "gelu">,    // the tanh form, Hendrycks and Gimpel, arXiv 1606.08415
    I32EnumAttrCase<"ReLU2", 2, "relu2">,  // max(x, 0)², So et al., arXiv 2109.08668
    I32EnumAttrCase<"GELUErf", 3, "gelu_erf">]> { // x · Φ(x), Φ of the normal distribution
  let cppNamespace = "::nibble::lm";
  let genSpecializedAttr = 0;
}
def LM_Pooling : I32EnumAttr<"Pooling", "which rows a text's vector is made of", [
    I32EnumAttrCase<"Mean", 0, "mean">,    // all of them, by equal weights
    I32EnumAttrCase<"First", 1, "first">]> { // that of the first token, [CLS]
  let cppNamespace = "::nibble::lm";
  let genSpecializedAttr = 0;
}
def LM_PoolingAttr : EnumAttr<LM_Dialect, LM_Pooling, "pooling"> { let assemblyFormat = "`<` $value `>`"; }

def LM_ActivationAttr : EnumAttr<LM_Dialect, LM_Activation, "activation"> { let assemblyFormat = "`<` $value `>`"; }

#endif
