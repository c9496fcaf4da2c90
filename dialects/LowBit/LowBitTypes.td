//===- LowBitTypes.td - the block-quantized element type -----------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_LOWBITTYPES_TD
#define NIBBLE_DIALECTS_LOWBIT_LOWBITTYPES_TD

include "dialects/LowBit/LowBitDialect.td"
include "mlir/IR/AttrTypeBase.td"

def LowBit_Block : TypeDef<LowBit_Dialect, "Block"> {
  let mnemonic = "block";
  let summary = "Integer codes that share scales in blocks";
  let description = [{
    The element type of a tensor whose last dimension is cut into groups. Each
    element stores a code `q` of 1 to 8 bits; the elements of a group share the
    rest of what makes the number:

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

    Syntax: `code`, `group`, `scale` and optionally the zero. A code or a
    sub-scale is `u1` … `u8` or `i1` … `i8` (two's complement); a float is
    `f16`, `bf16` or `f32`.

    ```mlir
    // Q4_0, Q4_1, Q8_0, Q6_K and Q4_K of ggml, in this order.
    func.func private @formats(tensor<1x256x!lowbit.block<u4, 32, f16, zp = 8>>,
        tensor<1x256x!lowbit.block<u4, 32, f16, min = f16>>,
        tensor<1x256x!lowbit.block<i8, 32, f16>>,
        tensor<1x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>,
        tensor<1x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>)
    ```
  }];
  let parameters = (ins
    "::nibble::lowbit::IntegerKind":$code,
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
    /// Elements that share a float scale: the super block, or the group.
    /// The last dimension of a tensor must be a multiple of it.
    int64_t getScaleSpan() const {
      return isTwoLevel() ? getScale().superGroup : getGroup();
    }
  }];
}

#endif // NIBBLE_DIALECTS_LOWBIT_LOWBITTYPES_TD
