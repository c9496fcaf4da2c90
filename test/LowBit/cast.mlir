// Exact casts survive a round trip; a cast to the same type folds.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s
// RUN: nibble-opt %s --canonicalize | FileCheck %s --check-prefix=FOLD

!q4 = !lowbit.block<u4, 32, f16, zp = 8>
!q8 = !lowbit.block<i8, 32, f16>

// i8 without a zero point is u8 with 128; nibbles fit into bytes; a smaller group repeats its scale.
// CHECK-LABEL: @exact
// CHECK-COUNT-5: lowbit.cast
func.func @exact(%a: tensor<8x64x!q8>, %b: tensor<8x64x!q4>, %c: tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256>>) {
  %0 = lowbit.cast %a : tensor<8x64x!q8> -> tensor<8x64x!lowbit.block<u8, 32, f16, zp = 128>>
  %1 = lowbit.cast %b : tensor<8x64x!q4> -> tensor<8x64x!lowbit.block<i4, 32, f16>>
  %2 = lowbit.cast %b : tensor<8x64x!q4> -> tensor<8x64x!q8>
  %3 = lowbit.cast %b : tensor<8x64x!q4> -> tensor<8x64x!lowbit.block<u4, 16, f32, zp = 8>>
  %4 = lowbit.cast %c : tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256>> -> tensor<8x256x!lowbit.block<u5, 16, i8 x f32 : 128>>
  return
}

// The cast is gone.
// FOLD-LABEL: @same
// FOLD-SAME: (%[[A:.*]]: tensor
// FOLD-NEXT: return %[[A]]
func.func @same(%a: tensor<8x64x!q4>) -> tensor<8x64x!q4> {
  %0 = lowbit.cast %a : tensor<8x64x!q4> -> tensor<8x64x!q4>
  return %0 : tensor<8x64x!q4>
}
