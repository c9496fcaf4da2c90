// The records of attention survive a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
func.func @value(%q: tensor<1x64xf32>, %c: memref<2x2x256x16x!lm.cached<q4>>, %layer: index, %pos: index) {
  // CHECK: lm.attention_partials %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) {heads = 4 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f64, window = 100 : i64} : ({{.*}}) -> tensor<2x4x18xf32>
  %p = lm.attention_partials %q, %c, %c at (%layer, %pos) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 100 : i64}
    : (tensor<1x64xf32>, memref<2x2x256x16x!lm.cached<q4>>, memref<2x2x256x16x!lm.cached<q4>>, index, index) -> tensor<2x4x18xf32>
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%q: memref<1x64xf32>, %c: memref<2x2x256x16xf16>, %r: memref<2x4x18xf32>, %layer: index, %pos: index) {
  // CHECK: lm.attention_partials {{.*}} into %{{.*}} {heads
  lm.attention_partials %q, %c, %c at (%layer, %pos) into %r {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (memref<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index, memref<2x4x18xf32>) -> ()
  return
}

// The row's own key and value may be appended first, and be rotated.
// CHECK-LABEL: @append
func.func @append(%q: tensor<1x64xf32>, %c: memref<2x2x256x16xf16>, %k: tensor<1x32xf32>, %t: tensor<68x8x2xf32>, %i: index) {
  // CHECK: lm.attention_partials %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}) rope %{{.*}} append %{{.*}}, %{{.*}} {heads = 4 : i64, kv_heads = 2 : i64, pairing = #lm.pairing<halves>
  %p = lm.attention_partials %q, %c, %c at (%i, %i) rope %t append %k, %k
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, pairing = #lm.pairing<halves>}
    : (tensor<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index, tensor<68x8x2xf32>, tensor<1x32xf32>,
       tensor<1x32xf32>) -> tensor<2x4x18xf32>
  return
}
