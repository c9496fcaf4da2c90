//===- LMTypes.td - what a cache holds -------------------------*- tablegen -*-===//
#ifndef NIBBLE_DIALECTS_LM_LMTYPES_TD
#define NIBBLE_DIALECTS_LM_LMTYPES_TD

include "dialects/LM/LMDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/EnumAttr.td"

def LM_CacheFormat : I32EnumAttr<"CacheFormat", "how a quantized cache keeps keys or values", [
    I32EnumAttrCase<"Q8", 0, "q8">,              // i8 codes, one f16 scale a group of 32
    I32EnumAttrCase<"Q4", 1, "q4">,              // u4 codes of rotated vectors, f16 scale and minimum a group of 16
    I32EnumAttrCase<"Q4Plain", 2, "q4_plain">]> { // the same without the rotation
  let cppNamespace = "::nibble::lm";
  let genSpecializedAttr = 0;
}

def LM_CachedType : TypeDef<LM_Dialect, "Cached", [MemRefElementTypeInterface]> {
  let mnemonic = "cached";
  let summary = "A number of a quantized key-value cache.";
  let description = [{
    The element type of a state (layers × kvHeads × positions × headDim) whose vectors of headDim numbers are quantized
    when `lm.kv_append` stores them:

    | format | a number is | of a group of |
    |---|---|---|
    | `q8` | code·d, code in -127 … 127, d = f16(greatest magnitude / 127) | 32 (the last of 16 at odd multiples) |
    | `q4_plain` | m + code·d, code in 0 … 15 | 16 |
    | `q4` | the same, of the vector times a Hadamard matrix | 16 |

    With 4 bits, codes are the places of the numbers between least and greatest of the group, in fifteenths; d and m are
    the line through the points (code, number) by least squares, rounded to f16. Least and greatest themselves as ends
    of the line would cost a tenth more of squared error; one scale and no minimum for 32 numbers, twice as much.

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
