// A fold is packed for the linear and for the table that shares its weight; the weight says what its sources hold. A
// lattice format becomes codes of its own first.
// RUN: nibble-opt --nibble-legalize=sub-scales=fold --nibble-tile %s 2>/dev/null | FileCheck %s

!q3 = !lowbit.block<i3, 16, i6 x f16 : 256>
!grid = !lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>

module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
// 64 rows of 256 · 3 bits and 16 scales of 4 bytes.
// CHECK: lm.weight @head : tensor<10240xi8, #mpgemm.layout<element = !lowbit.block<i3, 16, f32>, {{.*}}>> from {{.*}} {lowbit.cast_from = !lowbit.block<i3, 16, i6 x f16 : 256>}
lm.weight @head : tensor<64x256x!q3> from [#lm.source<"m", 0, 7040, "q3_k">]
// CHECK: lm.weight @w : tensor<10240xi8, #mpgemm.layout<element = !lowbit.block<iq2, 16, f32>, {{.*}}>> from {{.*}} {lowbit.cast_from = !lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>}
lm.weight @w : tensor<64x256x!grid> from [#lm.source<"m", 7040, 4736, "iq2_xs">]

// CHECK-LABEL: @decode
// CHECK-NOT: lowbit.cast %
func.func @decode(%t: tensor<1xi32>, %n: index) -> (tensor<1x64xf32>, tensor<1x64xf32>) {
  %h = lm.weight_ref @head : tensor<64x256x!q3>
  %w = lm.weight_ref @w : tensor<64x256x!grid>
  // CHECK: lm.embed %{{.*}} {layout = #mpgemm.layout<element = !lowbit.block<i3, 16, f32>
  %x = lm.embed %t, %h, %n : (tensor<1xi32>, tensor<64x256x!q3>, index) -> tensor<1x256xf32>
  // CHECK: mpgemm.mma
  // CHECK: mpgemm.mma
  %y = lm.linear %x, %h rows %n : (tensor<1x256xf32>, tensor<64x256x!q3>, index) -> tensor<1x64xf32>
  %z = lm.linear %x, %w rows %n : (tensor<1x256xf32>, tensor<64x256x!grid>, index) -> tensor<1x64xf32>
  return %y, %z : tensor<1x64xf32>, tensor<1x64xf32>
}
}
