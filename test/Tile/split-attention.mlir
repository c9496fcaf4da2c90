// Attention of one row over several chunks becomes records and their combination.
// RUN: nibble-opt %s -pass-pipeline="builtin.module(func.func(lm-split-attention))" | FileCheck %s

// CHECK-LABEL: @row
func.func @row(%q: tensor<1x64xf32>, %c: memref<2x2x1040x16xf16>, %layer: index, %pos: index, %n: index) -> tensor<1x64xf32> {
  // CHECK: %[[P:.*]] = lm.attention_partials %arg0, %arg1, %arg1 at(%arg2, %arg3) {heads = 4 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64} : {{.*}} -> tensor<9x4x18xf32>
  // CHECK: %[[Y:.*]] = lm.attention_combine %[[P]] at %arg3 : (tensor<9x4x18xf32>, index) -> tensor<1x64xf32>
  // CHECK: return %[[Y]]
  %y = lm.attention %q, %c, %c at (%layer, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, softcap = 50.0 : f64}
    : (tensor<1x64xf32>, memref<2x2x1040x16xf16>, memref<2x2x1040x16xf16>, index, index, index) -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// A window of 256 touches three chunks at most; rotated values are turned back at the end.
// CHECK-LABEL: @window
func.func @window(%q: tensor<1x64xf32>, %k: memref<2x2x272x16xf16>, %v: memref<2x2x272x16x!lm.cached<q4>>, %i: index) {
  // CHECK: lm.attention_partials {{.*}} window = 256 : i64} : {{.*}} -> tensor<3x4x18xf32>
  // CHECK: lm.attention_combine {{.*}} {rotated, window = 256 : i64}
  %y = lm.attention %q, %k, %v at (%i, %i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 256 : i64}
    : (tensor<1x64xf32>, memref<2x2x272x16xf16>, memref<2x2x272x16x!lm.cached<q4>>, index, index, index) -> tensor<1x64xf32>
  return
}

// One chunk needs no joining, and many rows are work enough.
// CHECK-LABEL: @stays
func.func @stays(%q: tensor<1x64xf32>, %rows: tensor<4x64xf32>, %short: memref<2x2x128x16xf16>, %c: memref<2x2x256x16xf16>, %i: index) {
  // CHECK-COUNT-2: lm.attention %
  %y = lm.attention %q, %short, %short at (%i, %i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64xf32>, memref<2x2x128x16xf16>, memref<2x2x128x16xf16>, index, index, index) -> tensor<1x64xf32>
  %z = lm.attention %rows, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}
