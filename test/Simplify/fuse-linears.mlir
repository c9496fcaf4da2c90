// Linears of one input become one, wherever their weights come from.
// RUN: nibble-opt --lm-fuse-linears %s | FileCheck %s

!q4 = !lowbit.block<u4, 32, f16, zp = 8>

// The fused symbols, one a caller, have the sources of their parts in order; the parts are gone.
// CHECK-NOT: lm.weight @{{q|k|v}}
// CHECK: lm.weight @"q0+k0+v0" : tensor<128x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m", 0, 1, "q4_0">, #lm.source<"m", 1, 1, "q4_0">, #lm.source<"m", 2, 1, "q4_0">]
lm.weight @q0 : tensor<64x64x!q4> from [#lm.source<"m", 0, 1, "q4_0">]
lm.weight @k0 : tensor<32x64x!q4> from [#lm.source<"m", 1, 1, "q4_0">]
lm.weight @v0 : tensor<32x64x!q4> from [#lm.source<"m", 2, 1, "q4_0">]
// CHECK: lm.weight @"q1+k1+v1" : {{.*}} from [#lm.source<"m", 3, 1, "q4_0">, #lm.source<"m", 4, 1, "q4_0">, #lm.source<"m", 5, 1, "q4_0">]
lm.weight @q1 : tensor<64x64x!q4> from [#lm.source<"m", 3, 1, "q4_0">]
lm.weight @k1 : tensor<32x64x!q4> from [#lm.source<"m", 4, 1, "q4_0">]
lm.weight @v1 : tensor<32x64x!q4> from [#lm.source<"m", 5, 1, "q4_0">]
// CHECK: lm.weight @"bq+bk" : tensor<80xf32> from [#lm.source<"m", 6, 1, "f32">, #lm.source<"m", 7, 1, "f32">]
lm.weight @bq : tensor<64xf32> from [#lm.source<"m", 6, 1, "f32">]
lm.weight @bk : tensor<16xf32> from [#lm.source<"m", 7, 1, "f32">]
// CHECK: lm.weight @"gate+up" : tensor<80x64xf16>
lm.weight @gate : tensor<64x64xf16> from [#lm.source<"m", 8, 1, "f16">]
lm.weight @up : tensor<16x64xf16> from [#lm.source<"m", 9, 1, "f16">]
// CHECK-NOT: lm.weight

// Through the arguments of a layer function: one argument is left, in the place of the first.
// CHECK: func.func private @layer(%[[X:.*]]: tensor<1x64xf32>, %[[N:.*]]: index, %[[W:.*]]: tensor<128x64x!lowbit.block<u4, 32, f16, zp = 8>>, %{{.*}}: index)
// CHECK: %[[Y:.*]] = lm.linear %[[X]], %[[W]] rows %[[N]] : {{.*}} -> tensor<1x128xf32>
// CHECK: %[[Q:.*]] = tensor.extract_slice %[[Y]][0, 0] [1, 64] [1, 1] : tensor<1x128xf32> to tensor<1x64xf32>
// CHECK: %[[K:.*]] = tensor.extract_slice %[[Y]][0, 64] [1, 32] [1, 1]
// CHECK: %[[V:.*]] = tensor.extract_slice %[[Y]][0, 96] [1, 32] [1, 1]
// CHECK: lm.glu %[[K]], %[[V]]
// CHECK: return %[[Q]]
func.func private @layer(%x: tensor<1x64xf32>, %n: index, %wq: tensor<64x64x!q4>, %wk: tensor<32x64x!q4>,
                         %wv: tensor<32x64x!q4>, %layer: index) -> tensor<1x64xf32> {
  %q = lm.linear %x, %wq rows %n : (tensor<1x64xf32>, tensor<64x64x!q4>, index) -> tensor<1x64xf32>
  %k = lm.linear %x, %wk rows %n : (tensor<1x64xf32>, tensor<32x64x!q4>, index) -> tensor<1x32xf32>
  %v = lm.linear %x, %wv rows %n : (tensor<1x64xf32>, tensor<32x64x!q4>, index) -> tensor<1x32xf32>
  %0 = lm.glu %k, %v, %n {activation = #lm.activation<silu>} : (tensor<1x32xf32>, tensor<1x32xf32>, index) -> tensor<1x32xf32>
  return %q : tensor<1x64xf32>
}

// Every caller passes its own fused weight; two callers with the same weights share it.
// CHECK-LABEL: func.func @decode
// CHECK: %[[W0:.*]] = lm.weight_ref @"q0+k0+v0"
// CHECK: call @layer(%{{.*}}, %{{.*}}, %[[W0]], %{{.*}})
// CHECK: %[[W1:.*]] = lm.weight_ref @"q1+k1+v1"
// CHECK: call @layer(%{{.*}}, %{{.*}}, %[[W1]], %{{.*}})
func.func @decode(%x: tensor<1x64xf32>, %n: index) -> tensor<1x64xf32> {
  %q0 = lm.weight_ref @q0 : tensor<64x64x!q4>
  %k0 = lm.weight_ref @k0 : tensor<32x64x!q4>
  %v0 = lm.weight_ref @v0 : tensor<32x64x!q4>
  %0 = call @layer(%x, %n, %q0, %k0, %v0, %n) : (tensor<1x64xf32>, index, tensor<64x64x!q4>, tensor<32x64x!q4>, tensor<32x64x!q4>, index) -> tensor<1x64xf32>
  %q1 = lm.weight_ref @q1 : tensor<64x64x!q4>
  %k1 = lm.weight_ref @k1 : tensor<32x64x!q4>
  %v1 = lm.weight_ref @v1 : tensor<32x64x!q4>
  %1 = call @layer(%0, %n, %q1, %k1, %v1, %n) : (tensor<1x64xf32>, index, tensor<64x64x!q4>, tensor<32x64x!q4>, tensor<32x64x!q4>, index) -> tensor<1x64xf32>
  return %1 : tensor<1x64xf32>
}
// CHECK-LABEL: func.func @other
// CHECK: lm.weight_ref @"q1+k1+v1"
func.func @other(%x: tensor<1x64xf32>, %n: index) -> tensor<1x64xf32> {
  %q1 = lm.weight_ref @q1 : tensor<64x64x!q4>
  %k1 = lm.weight_ref @k1 : tensor<32x64x!q4>
  %v1 = lm.weight_ref @v1 : tensor<32x64x!q4>
  %0 = call @layer(%x, %n, %q1, %k1, %v1, %n) : (tensor<1x64xf32>, index, tensor<64x64x!q4>, tensor<32x64x!q4>, tensor<32x64x!q4>, index) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}

// In place, and with biases, which are joined in the same order.
// CHECK-LABEL: func.func @in_place
// CHECK-DAG: %[[W:.*]] = lm.weight_ref @"gate+up"
// CHECK-DAG: %[[B:.*]] = lm.weight_ref @"bq+bk"
// CHECK: %[[Y:.*]] = lm.linear %{{.*}}, %[[W]] bias %[[B]] rows %{{.*}} -> tensor<1x80xf32>
// CHECK: tensor.extract_slice %[[Y]][0, 64] [1, 16] [1, 1]
func.func @in_place(%x: tensor<1x64xf32>, %n: index) -> tensor<1x16xf32> {
  %gate = lm.weight_ref @gate : tensor<64x64xf16>
  %bq = lm.weight_ref @bq : tensor<64xf32>
  %0 = lm.linear %x, %gate bias %bq rows %n : (tensor<1x64xf32>, tensor<64x64xf16>, index, tensor<64xf32>) -> tensor<1x64xf32>
  %up = lm.weight_ref @up : tensor<16x64xf16>
  %bk = lm.weight_ref @bk : tensor<16xf32>
  %1 = lm.linear %x, %up bias %bk rows %n : (tensor<1x64xf32>, tensor<16x64xf16>, index, tensor<16xf32>) -> tensor<1x16xf32>
  return %1 : tensor<1x16xf32>
}
