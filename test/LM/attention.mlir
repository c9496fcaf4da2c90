// Attention survives a round trip in both forms; the cache is a buffer in each.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has a result.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[Q:[^:]*]]: tensor<4x64xf32>, %[[C:[^:]*]]: memref<2x2x64x16xf16>, %[[L:[^:]*]]: index, %[[P:[^:]*]]: index, %[[N:[^:]*]]: index)
func.func @value(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %layer: index, %pos: index, %n: index) {
  // CHECK: lm.attention %[[Q]], %[[C]], %[[C]] at(%[[L]], %[[P]], %[[N]]) {heads = 4 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f64}
  %0 = lm.attention %q, %c, %c at (%layer, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[Q:[^:]*]]: memref<4x64xf32>, %[[C:[^:]*]]: memref<2x2x64x16xf16>, %[[Y:[^:]*]]: memref<4x64xf32>, %[[L:[^:]*]]: index, %[[P:[^:]*]]: index, %[[N:[^:]*]]: index)
func.func @buffer(%q: memref<4x64xf32>, %c: memref<2x2x64x16xf16>, %y: memref<4x64xf32>, %layer: index, %pos: index, %n: index) {
  // CHECK: lm.attention %[[Q]], %[[C]], %[[C]] at(%[[L]], %[[P]], %[[N]]) into %[[Y]] {heads = 4 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f64} : ({{.*}}) -> ()
  lm.attention %q, %c, %c at (%layer, %pos, %n) into %y {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (memref<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index, memref<4x64xf32>) -> ()
  return
}

// A window and a cap.
// CHECK-LABEL: @window
func.func @window(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // CHECK: lm.attention {{.*}} {heads = 4 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64, window = 32 : i64}
  %0 = lm.attention %q, %c, %c at (%i, %i, %i)
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 32 : i64, softcap = 50.0 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// Rows may see those behind them, too.
// CHECK-LABEL: @bidirectional
func.func @bidirectional(%x: tensor<4x64xf32>, %kv: memref<1x4x16x16xf16>, %i: index, %n: index) {
  // CHECK: lm.attention {{.*}} {bidirectional, heads = 4 : i64, kv_heads = 4 : i64, scale = 2.500000e-01 : f64}
  %y = lm.attention %x, %kv, %kv at (%i, %i, %n) {heads = 4 : i64, kv_heads = 4 : i64, scale = 0.25 : f64, bidirectional} : (tensor<4x64xf32>, memref<1x4x16x16xf16>, memref<1x4x16x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// Queries may be rotated as they are read.
// CHECK-LABEL: @rope
func.func @rope(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %t: tensor<65x8x2xf32>, %i: index) {
  // CHECK: lm.attention %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}) rope %{{.*}} {heads = 4 : i64, kv_heads = 2 : i64, pairing = #lm.pairing<interleaved>
  %y = lm.attention %q, %c, %c at (%i, %i, %i) rope %t {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, pairing = #lm.pairing<interleaved>}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index, tensor<65x8x2xf32>) -> tensor<4x64xf32>
  return
}
