// Decoding survives a round trip.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @decode
// CHECK-SAME: (%[[X:[^:]*]]: tensor<8x64x!lowbit.block<i8, 32, f16>>)
// CHECK: lowbit.decode %[[X]] : tensor<8x64x!lowbit.block<i8, 32, f16>> -> tensor<8x64xf32>
func.func @decode(%x: tensor<8x64x!lowbit.block<i8, 32, f16>>) -> tensor<8x64xf32> {
  %0 = lowbit.decode %x : tensor<8x64x!lowbit.block<i8, 32, f16>> -> tensor<8x64xf32>
  return %0 : tensor<8x64xf32>
}
