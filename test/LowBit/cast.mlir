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

// The numbers of a grid's vectors are a list's; all numbers of e2m1 are multiples of a half in a longer list; the
// integers -1, 0 and 1 (and 2) are numbers of a list, too; a list of integers is integers.
// CHECK-LABEL: @lists
// CHECK-COUNT-4: lowbit.cast
func.func @lists(%a: tensor<8x256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>>, %b: tensor<8x64x!lowbit.block<e2m1, 32, e8m0>>,
                 %c: tensor<8x64x!lowbit.block<u2, row, f16, zp = 1>>, %d: tensor<8x64x!lowbit.block<iq3s, 32, ue4m3>>) {
  %0 = lowbit.cast %a : tensor<8x256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>> -> tensor<8x256x!lowbit.block<iq2, 16, u5 x f16 : 256>>
  %1 = lowbit.cast %b : tensor<8x64x!lowbit.block<e2m1, 32, e8m0>> -> tensor<8x64x!lowbit.block<e4m3, 32, e8m0>>
  %2 = lowbit.cast %c : tensor<8x64x!lowbit.block<u2, row, f16, zp = 1>> -> tensor<8x64x!lowbit.block<cb<[-1, 0, 1, 2]>, row, f32>>
  %3 = lowbit.cast %d : tensor<8x64x!lowbit.block<iq3s, 32, ue4m3>> -> tensor<8x64x!lowbit.block<i5, 32, f16>>
  return
}

// Integer scales are folded into their float where an f32 holds every product.
// CHECK-LABEL: @sub_scales
// CHECK-COUNT-3: lowbit.cast
func.func @sub_scales(%a: tensor<8x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>,
                      %b: tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>,
                      %c: tensor<8x256x!lowbit.block<i4, 64, u8 x bf16 : 256>>) {
  %0 = lowbit.cast %a : tensor<8x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>> -> tensor<8x256x!lowbit.block<u6, 16, f32, zp = 32>>
  %1 = lowbit.cast %b : tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>> -> tensor<8x256x!lowbit.block<u4, 32, f32, min = f32>>
  %2 = lowbit.cast %c : tensor<8x256x!lowbit.block<i4, 64, u8 x bf16 : 256>> -> tensor<8x256x!lowbit.block<i4, 32, f32>>
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
