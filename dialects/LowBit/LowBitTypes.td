//===- LowBitTypes.td - the block-quantized element type -----------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_LOWBITTYPES_TD
#define NIBBLE_DIALECTS_LOWBIT_LOWBITTYPES_TD

include "dialects/LowBit/LowBitDialect.td"
include "mlir/IR/AttrTypeBase.td"

def LowBit_Block : TypeDef<LowBit_Dialect, "Block"> {
  let mnemonic = "block";
  let summary = "Codes that share scales in blocks";
  let description = [{
    The element type of a tensor whose last dimension is cut into groups. Each
    element stores a code of 1 to 8 bits, which stands for a number `q`; the
    elements of a group share the rest of what makes the value:

    | scale | zero | value of an element |
    |---|---|---|
    | `f16` | none | `q * d` |
    | `f16` | `zp = 8` | `(q - 8) * d` |
    | `f16` | `min = f16` | `q * d + m` |
    | `u6 x f16 : 256` | none or `zp` | `(q - zp) * (sc * d)` |
    | `u6 x f16 : 256` | `min = -(u6 x f16 : 256)` | `q * (sc * d) - mn * dmin` |

    In a two-level scale `I x F : S`, every group has an integer `sc` of type
    `I`, and every super block of `S` elements has a float `d` of type `F`. All
    arithmetic is in f32, in the order in which it is written here.

    What `q` is depends on the kind of code:

    | code | q |
    |---|---|
    | `u1` … `u8`, `i1` … `i8` | the code as an unsigned integer or in two's complement |
    | `cb<[-1, -0.5, 0.5, 1]>` | the number at this place of the list (2^w numbers for w bits) |
    | `e2m1`, `nf4`, `sign`, … | a list with a name (dialects/LowBit/Codebooks.def), small floats among them |
    | `grid<iq2xs>` | a list with a name, of which whole vectors are stored (dialects/LowBit/Grids.def) |
    | `cb<4 x i8 per row>` | a list stored with the weight: 2^4 numbers (i8, f16 or f32) for each row, or `per tensor` |

    Only integers have a zero point; minima go with every code. A list whose numbers
    are all multiples of a power of two `2^-u` and signed bytes times that
    counts as integers, `q = n * 2^-u`: its values are `n * (2^-u * d)`.

    Syntax: code, group, scale and optionally the zero. The group is a number of
    elements, or `row` or `tensor`. A sub-scale is `u1` … `u8` or `i1` … `i8`; a
    float is `f16`, `bf16`, `f32`, `e8m0` (2^(code - 127)) or `ue4m3`.

    ```mlir
    // Q4_0, Q4_1, Q8_0, Q6_K and Q4_K of ggml, in this order.
    func.func private @formats(tensor<1x256x!lowbit.block<u4, 32, f16, zp = 8>>,
        tensor<1x256x!lowbit.block<u4, 32, f16, min = f16>>,
        tensor<1x256x!lowbit.block<i8, 32, f16>>,
        tensor<1x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>,
        tensor<1x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>)
    // MXFP4, IQ2_XS, four bits per weight with any4's own numbers for each row,
    // ternary with one scale, NormalFloat, and a list.
    func.func private @codebooks(tensor<1x256x!lowbit.block<e2m1, 32, e8m0>>,
        tensor<1x256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>>,
        tensor<1x256x!lowbit.block<cb<4 x i8 per row>, 128, f16>>,
        tensor<1x256x!lowbit.block<u2, tensor, f32, zp = 1>>,
        tensor<1x256x!lowbit.block<nf4, 64, bf16>>,
        tensor<1x256x!lowbit.block<cb<[-1.5, -0.5, 0.5, 1.5]>, row, f16>>)
    ```
  }];
  let parameters = (ins
    "::nibble::lowbit::CodeKind":$code,
    "int64_t":$group,
    "::nibble::lowbit::ScaleKind":$scale,
    "::nibble::lowbit::ZeroKind":$zero
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isTwoLevel() const { return getScale().isTwoLevel(); }
    bool hasMin() const { return getZero().form == ZeroKind::Min; }
    /// The integer subtracted from a code; 0 where the type has none.
    int64_t getZeroPoint() const { return getZero().point; }
    /// Whether codes stand for integers of a byte, up to a power of two.
    bool hasIntegers() const {
      return getCode().isInteger() ||
             (getCode().book ? getCode().book->isInteger()
                             : getCode().entry == CodeKind::I8);
    }
    /// The smallest and the largest integer that a code stands for, in units of
    /// its codebook.
    std::pair<int64_t, int64_t> getIntegerRange() const;
    /// Whether the group is as long as the row, whatever that is.
    bool hasWholeRows() const { return getGroup() < 0; }
    /// The group in rows of `k` elements.
    int64_t getGroupIn(int64_t k) const {
      return hasWholeRows() ? k : getGroup();
    }
    /// Elements that share a float scale: the super block, or the group; 1 if
    /// that is the row. The last dimension of a tensor must be a multiple of it.
    int64_t getScaleSpan() const {
      if (hasWholeRows())
        return 1;
      return isTwoLevel() ? getScale().superGroup : getGroup();
    }
  }];
}

#endif // NIBBLE_DIALECTS_LOWBIT_LOWBITTYPES_TD
