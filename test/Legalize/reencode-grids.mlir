// Vectors of a grid become codes of its codebook, for linears and tables; what has no grid stays.
// RUN: nibble-opt --reencode-grids %s | FileCheck %s
// The pack that reads the cast is folded into the weight, with the layout of the codebook; no cast is left.
// RUN: nibble-opt --nibble-legalize --nibble-tile %s | FileCheck %s --check-prefix=TILE

!grid = !lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>
!q4 = !lowbit.block<u4, 32, f16, zp = 8>

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
// TILE: lm.weight @table : tensor<{{[0-9]*}}xi8, #mpgemm.layout<element = !lowbit.block<iq2, 16, u5 x f16 : 256>, n = 64, k = 256
lm.weight @table : tensor<64x256x!grid> from [#lm.source<"m", 0, 4736, "iq2_xs">]
lm.weight @plain : tensor<64x256x!q4> from [#lm.source<"m", 4736, 9216, "q4_0">]

// CHECK-LABEL: func.func @both
// CHECK: %[[W:.*]] = lm.weight_ref @table
// CHECK: %[[TABLE:.*]] = lowbit.cast %[[W]] : tensor<64x256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>> -> tensor<64x256x!lowbit.block<iq2, 16, u5 x f16 : 256>>
// CHECK: lm.embed %{{.*}}, %[[TABLE]]
// CHECK: %[[HEAD:.*]] = lowbit.cast %[[W]]
// CHECK: lm.linear %{{.*}}, %[[HEAD]] rows
// CHECK-NOT: lowbit.cast
// TILE-LABEL: func.func @both
// TILE-NOT: lowbit.cast
func.func @both(%t: tensor<1xi32>, %n: index) -> (tensor<1x64xf32>, tensor<1x64xf32>) {
  %w = lm.weight_ref @table : tensor<64x256x!grid>
  %p = lm.weight_ref @plain : tensor<64x256x!q4>
  %x = lm.embed %t, %w, %n : (tensor<1xi32>, tensor<64x256x!grid>, index) -> tensor<1x256xf32>
  %y = lm.linear %x, %w rows %n : (tensor<1x256xf32>, tensor<64x256x!grid>, index) -> tensor<1x64xf32>
  %z = lm.linear %x, %p rows %n : (tensor<1x256xf32>, tensor<64x256x!q4>, index) -> tensor<1x64xf32>
  return %y, %z : tensor<1x64xf32>, tensor<1x64xf32>
}
}
