// Types of quantized caches survive a round trip; appending and attention take them.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK: lm.state @k : memref<2x2x64x32x!lm.cached<q8>>
lm.state @k : memref<2x2x64x32x!lm.cached<q8>>
// CHECK: lm.state @v : memref<2x2x64x32x!lm.cached<q4>>
lm.state @v : memref<2x2x64x32x!lm.cached<q4>>
// CHECK: lm.state @plain : memref<2x2x64x32x!lm.cached<q4_plain>>
lm.state @plain : memref<2x2x64x32x!lm.cached<q4_plain>>

// CHECK-LABEL: @uses
func.func @uses(%q: tensor<4x64xf32>, %layer: index, %pos: index, %n: index) {
  %k = lm.state_ref @k : memref<2x2x64x32x!lm.cached<q8>>
  %v = lm.state_ref @v : memref<2x2x64x32x!lm.cached<q4>>
  // CHECK: lm.kv_append {{.*}} : tensor<4x64xf32>, tensor<4x64xf32>, memref<2x2x64x32x!lm.cached<q8>>, memref<2x2x64x32x!lm.cached<q4>>
  lm.kv_append %q, %q into %k, %v at (%layer, %pos, %n)
    : tensor<4x64xf32>, tensor<4x64xf32>, memref<2x2x64x32x!lm.cached<q8>>, memref<2x2x64x32x!lm.cached<q4>>
  // CHECK: lm.attention {{.*}}memref<2x2x64x32x!lm.cached<q8>>, memref<2x2x64x32x!lm.cached<q4>>
  %0 = lm.attention %q, %k, %v at (%layer, %pos, %n) {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x32x!lm.cached<q8>>, memref<2x2x64x32x!lm.cached<q4>>, index, index, index)
    -> tensor<4x64xf32>
  return
}
