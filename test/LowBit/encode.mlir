// Encoding survives a round trip.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @encode
// CHECK-SAME: (%[[X:[^:]*]]: tensor<8x64xf32>)
// CHECK: lowbit.encode %[[X]] : tensor<8x64xf32> -> tensor<8x64x!lowbit.block<i8, 32, f16>>
func.func @encode(%x: tensor<8x64xf32>) -> tensor<8x64x!lowbit.block<i8, 32, f16>> {
  %0 = lowbit.encode %x : tensor<8x64xf32> -> tensor<8x64x!lowbit.block<i8, 32, f16>>
  return %0 : tensor<8x64x!lowbit.block<i8, 32, f16>>
}
