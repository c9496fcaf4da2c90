//===- LMTypes.td - what a cache holds -------------------------*- tablegen -*-===//
#ifndef NIBBLE_DIALECTS_LM_LMTYPES_TD
#define NIBBLE_DIALECTS_LM_LMTYPES_TD

include "dialects/LM/LMDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/EnumAttr.td"

def LM_CacheFormat : I32EnumAttr<"CacheFormat", "how a quantized cache keeps keys or values", [
    I32EnumAttrCase<"Q8", 0, "q8">,              // i8 codes, one f16 scale a group of 32
    I32EnumAttrCase<"Q4", 1, "q4">,              // u4 codes of rotated vectors, one f16 scale a group of 32
    I32EnumAttrCase<"Q4Plain", 2, "q4_plain">]> { // the same without the rotation
  let cppNamespace = "::nibble::lm";
  let genSpecializedAttr = 0;
}

def LM_CachedType : TypeDef<LM_Dialect, "Cached", [MemRefElementTypeInterface]> {
  let mnemonic = "cached";
  let summary = "A number of a quantized key-value cache.";
  let description = [{
    The element type of a state (layers × kvHeads × positions × headDim) whose vectors of headDim numbers are quantized
    when `lm.kv_append` stores them, in groups of 32 along headDim (a last group of 16 where 32 does not divide it):

    | format | a number is | scale d |
    |---|---|---|
    | `q8` | code·d, code in -127 … 127 | f16(greatest magnitude / 127) |
    | `q4_plain` | (code - 8)·d, code in 0 … 15 | f16(the number of greatest magnitude / -8) |
    | `q4` | the same, of the vector times a Hadamard matrix | |

    The rotation spreads outliers of a few dimensions, which 4 bits could not hold, over all (QuaRot, arXiv 2404.00456,
    section 4); it is orthogonal, so `lm.attention` turns queries the same way, and what it sums of rotated values back.
    It is the Hadamard matrix over the greatest power of two that divides headDim, repeated along the diagonal.

    Where the bytes lie is in dialects/LM/CacheLayout.h.

    Example: `memref<2x2x64x32x!lm.cached<q8>>`
  }];
  let parameters = (ins EnumParameter<LM_CacheFormat>:$format);
  let assemblyFormat = "`<` $format `>`";
}

#endif
