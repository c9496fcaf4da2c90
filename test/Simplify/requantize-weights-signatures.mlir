// Layers whose weights get different formats no longer share a function.
// RUN: nibble-opt "--lm-requantize-weights=weights=q8_0,blk.1.*=int4" %s | FileCheck %s

lm.weight @blk.0.a.weight : tensor<32x64xf16> from [#lm.source<"m", 0, 4096, "f16">]
lm.weight @blk.1.a.weight : tensor<32x64xf16> from [#lm.source<"m", 1, 4096, "f16">]
lm.weight @blk.2.a.weight : tensor<32x64xf16> from [#lm.source<"m", 2, 4096, "f16">]

// CHECK-LABEL: func.func private @inner(
// CHECK-SAME: tensor<32x64x!lowbit.block<i8, 32, f16>>
// CHECK-LABEL: func.func private @inner_{{[0-9]+}}(
// CHECK-SAME: tensor<32x64x!lowbit.block<u4, 32, f16, zp = 8>>
func.func private @inner(%x: tensor<1x64xf32>, %n: index, %w: tensor<32x64xf16>) {
  %0 = lm.linear %x, %w rows %n : (tensor<1x64xf32>, tensor<32x64xf16>, index) -> tensor<1x32xf32>
  return
}
// CHECK-LABEL: func.func private @layer(
// CHECK: call @inner(
// CHECK-LABEL: func.func private @layer_{{[0-9]+}}(
// CHECK: call @inner_{{[0-9]+}}(
func.func private @layer(%x: tensor<1x64xf32>, %n: index, %w: tensor<32x64xf16>) {
  call @inner(%x, %n, %w) : (tensor<1x64xf32>, index, tensor<32x64xf16>) -> ()
  return
}
// CHECK-LABEL: func.func @f
// CHECK: call @layer(
// CHECK: call @layer_{{[0-9]+}}(
// CHECK: call @layer(
func.func @f(%x: tensor<1x64xf32>, %n: index) {
  %0 = lm.weight_ref @blk.0.a.weight : tensor<32x64xf16>
  %1 = lm.weight_ref @blk.1.a.weight : tensor<32x64xf16>
  %2 = lm.weight_ref @blk.2.a.weight : tensor<32x64xf16>
  call @layer(%x, %n, %0) : (tensor<1x64xf32>, index, tensor<32x64xf16>) -> ()
  call @layer(%x, %n, %1) : (tensor<1x64xf32>, index, tensor<32x64xf16>) -> ()
  call @layer(%x, %n, %2) : (tensor<1x64xf32>, index, tensor<32x64xf16>) -> ()
  return
}
