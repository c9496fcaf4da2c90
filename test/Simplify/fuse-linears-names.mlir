// RUN: nibble-opt --lm-fuse-linears %s | FileCheck %s

// A weight of the file that has the fused weight's name keeps it.
// CHECK: lm.weight @"a+b_0" : tensor<64x64xf32> from [#lm.source<"m", 0, 1, "f32">, #lm.source<"m", 1, 1, "f32">]
// CHECK: lm.weight @"a+b" : tensor<8x64xf32> from [#lm.source<"m", 2, 1, "f32">]
lm.weight @a : tensor<32x64xf32> from [#lm.source<"m", 0, 1, "f32">]
lm.weight @b : tensor<32x64xf32> from [#lm.source<"m", 1, 1, "f32">]
lm.weight @"a+b" : tensor<8x64xf32> from [#lm.source<"m", 2, 1, "f32">]
// CHECK: lm.weight_ref @"a+b_0" : tensor<64x64xf32>
func.func @f(%x: tensor<1x64xf32>, %y: tensor<1x64xf32>, %n: index) {
  %a = lm.weight_ref @a : tensor<32x64xf32>
  %b = lm.weight_ref @b : tensor<32x64xf32>
  %c = lm.weight_ref @"a+b" : tensor<8x64xf32>
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %1 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %2 = lm.linear %y, %c rows %n : (tensor<1x64xf32>, tensor<8x64xf32>, index) -> tensor<1x8xf32>
  return
}
