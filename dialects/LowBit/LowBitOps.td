//===- LowBitOps.td - conversions between numbers and codes --------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_LOWBITOPS_TD
#define NIBBLE_DIALECTS_LOWBIT_LOWBITOPS_TD

include "dialects/LowBit/LowBitTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class LowBit_Op<string mnemonic, list<Trait> traits = []>
    : Op<LowBit_Dialect, mnemonic,
         traits # [Pure, SameOperandsAndResultShape]> {
  let hasVerifier = 1;
}

def LowBit_Tensor : RankedTensorOf<[LowBit_Block]>;
def LowBit_FloatTensor : RankedTensorOf<[F16, BF16, F32]>;

def LowBit_EncodeOp : LowBit_Op<"encode"> {
  let summary = "Round a float tensor to a low-bit type";
  let description = [{
    Every block of the result holds the codes and scales that represent the
    block of the operand best. This loses precision, so it only stands where it
    was asked for, and it is executed by the compiler: an `encode` that is left
    at run time is an error of the phase that should have removed it.

    ```mlir
    func.func @requantize(%w: tensor<64x256xf32>) -> tensor<64x256x!lowbit.block<i8, 32, f16>> {
      %0 = lowbit.encode %w : tensor<64x256xf32> -> tensor<64x256x!lowbit.block<i8, 32, f16>>
      return %0 : tensor<64x256x!lowbit.block<i8, 32, f16>>
    }
    ```
  }];
  let arguments = (ins LowBit_FloatTensor:$input);
  let results = (outs LowBit_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def LowBit_DecodeOp : LowBit_Op<"decode"> {
  let summary = "The numbers that a low-bit tensor holds";
  let description = [{
    Computes the value of every element in f32, as the type's description says.

    ```mlir
    func.func @decode(%w: tensor<64x256x!lowbit.block<u4, 32, f16, zp = 8>>) -> tensor<64x256xf32> {
      %0 = lowbit.decode %w : tensor<64x256x!lowbit.block<u4, 32, f16, zp = 8>> -> tensor<64x256xf32>
      return %0 : tensor<64x256xf32>
    }
    ```
  }];
  let arguments = (ins LowBit_Tensor:$input);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def LowBit_CastOp : LowBit_Op<"cast"> {
  let summary = "Write the same numbers with another low-bit type";
  let description = [{
    Re-encodes exactly: every number that the operand's type can hold, the
    result's type can hold too. The verifier refuses everything else; a
    conversion that may round is `decode` and `encode`. What is exact: a shift
    of the codes together with the zero point into a range that contains them
    all, a smaller group, a wider sub-scale, f32 scales for f16 or bf16, and one
    f32 scale for an integer times a float of at most 24 bits together.

    ```mlir
    func.func @to_unsigned(%w: tensor<64x256x!lowbit.block<i8, 32, f16>>)
        -> tensor<64x256x!lowbit.block<u8, 32, f16, zp = 128>> {
      %0 = lowbit.cast %w : tensor<64x256x!lowbit.block<i8, 32, f16>>
          -> tensor<64x256x!lowbit.block<u8, 32, f16, zp = 128>>
      return %0 : tensor<64x256x!lowbit.block<u8, 32, f16, zp = 128>>
    }
    ```
  }];
  let arguments = (ins LowBit_Tensor:$input);
  let results = (outs LowBit_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}

#endif // NIBBLE_DIALECTS_LOWBIT_LOWBITOPS_TD
