// Weights get the formats that were asked for, by name, and functions follow.
// RUN: nibble-opt "--lm-requantize-weights=weights=int4:g64,b=q8_0,c=keep" %s | FileCheck %s
// RUN: nibble-opt "--lm-requantize-weights=weights=keep" %s | FileCheck %s --check-prefix=KEEP
// RUN: nibble-opt "--lm-requantize-weights=weights=output=q8_0" %s | FileCheck %s --check-prefix=HEAD

// KEEP-NOT: requantized

// The last entry that matches decides; the sources remember the tensor's name.
// CHECK: lm.weight @blk.0.a.weight : tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>> from [#lm.source<"m", 0, 4096, "f16", requantized = "blk.0.a.weight">]
lm.weight @blk.0.a.weight : tensor<32x64xf16> from [#lm.source<"m", 0, 4096, "f16">]
// CHECK: lm.weight @blk.1.a.weight : tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>>
lm.weight @blk.1.a.weight : tensor<32x64xf16> from [#lm.source<"m", 1, 4096, "f16">]
// CHECK: lm.weight @b.weight : tensor<32x64x!lowbit.block<i8, 32, f16>> from [#lm.source<"m", 2, 8192, "f32", requantized = "b.weight">]
lm.weight @b.weight : tensor<32x64xf32> from [#lm.source<"m", 2, 8192, "f32">]
// CHECK: lm.weight @c.weight : tensor<32x64xf32> from [#lm.source<"m", 3, 8192, "f32">]
lm.weight @c.weight : tensor<32x64xf32> from [#lm.source<"m", 3, 8192, "f32">]
// What holds the type already is not touched.
// CHECK: lm.weight @d.weight : tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>> from [#lm.source<"m", 4, 1088, "own">]
lm.weight @d.weight : tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>> from [#lm.source<"m", 4, 1088, "own">]
// A table that is the head, too, answers to both names; vectors stay.
// CHECK: lm.weight @embd.weight : tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>>
// HEAD: lm.weight @embd.weight : tensor<32x64x!lowbit.block<i8, 32, f16>>
lm.weight @embd.weight : tensor<32x64xf16> from [#lm.source<"m", 5, 4096, "f16">]
// CHECK: lm.weight @norm.weight : tensor<64xf32> from [#lm.source<"m", 6, 256, "f32">]
lm.weight @norm.weight : tensor<64xf32> from [#lm.source<"m", 6, 256, "f32">]

// CHECK-LABEL: func.func private @layer
// CHECK-SAME: tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>>
func.func private @layer(%x: tensor<1x64xf32>, %n: index, %w: tensor<32x64xf16>) -> tensor<1x32xf32> {
  %0 = lm.linear %x, %w rows %n : (tensor<1x64xf32>, tensor<32x64xf16>, index) -> tensor<1x32xf32>
  return %0 : tensor<1x32xf32>
}

// CHECK-LABEL: func.func @f
func.func @f(%t: tensor<1xi32>, %n: index) {
  // CHECK: lm.weight_ref @embd.weight : tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>>
  %e = lm.weight_ref @embd.weight : tensor<32x64xf16>
  %norm = lm.weight_ref @norm.weight : tensor<64xf32>
  %0 = lm.embed %t, %e, %n : (tensor<1xi32>, tensor<32x64xf16>, index) -> tensor<1x64xf32>
  %x = lm.rms_norm %0, %norm, %n {epsilon = 1.0e-05 : f64} : (tensor<1x64xf32>, tensor<64xf32>, index) -> tensor<1x64xf32>
  %a = lm.weight_ref @blk.0.a.weight : tensor<32x64xf16>
  %a1 = lm.weight_ref @blk.1.a.weight : tensor<32x64xf16>
  %b = lm.weight_ref @b.weight : tensor<32x64xf32>
  %c = lm.weight_ref @c.weight : tensor<32x64xf32>
  %d = lm.weight_ref @d.weight : tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>>
  // CHECK: call @layer
  %1 = call @layer(%x, %n, %a) : (tensor<1x64xf32>, index, tensor<32x64xf16>) -> tensor<1x32xf32>
  // CHECK: call @layer
  %2 = call @layer(%x, %n, %a1) : (tensor<1x64xf32>, index, tensor<32x64xf16>) -> tensor<1x32xf32>
  // CHECK: lm.linear {{.*}} tensor<32x64x!lowbit.block<i8, 32, f16>>
  %3 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %4 = lm.linear %x, %c rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %5 = lm.linear %x, %d rows %n : (tensor<1x64xf32>, tensor<32x64x!lowbit.block<u4, 64, f16, zp = 8>>, index) -> tensor<1x32xf32>
  %6 = lm.linear %x, %e rows %n : (tensor<1x64xf32>, tensor<32x64xf16>, index) -> tensor<1x32xf32>
  return
}
