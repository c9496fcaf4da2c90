// Appending to the KV cache survives a round trip in both forms; the cache is a buffer in each.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form takes keys and values as tensors.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[K:[^:]*]]: tensor<4x32xf32>, %[[C:[^:]*]]: memref<2x2x64x16xf16>, %[[L:[^:]*]]: index, %[[P:[^:]*]]: index, %[[N:[^:]*]]: index)
func.func @value(%k: tensor<4x32xf32>, %c: memref<2x2x64x16xf16>, %layer: index, %pos: index, %n: index) {
  // CHECK: lm.kv_append %[[K]], %[[K]] into %[[C]], %[[C]] at(%[[L]], %[[P]], %[[N]]) : tensor<4x32xf32>, tensor<4x32xf32>, memref
  lm.kv_append %k, %k into %c, %c at (%layer, %pos, %n)
    : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
  return
}

// The buffer form takes them as memrefs.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[K:[^:]*]]: memref<4x32xf32>, %[[C:[^:]*]]: memref<2x2x64x16xf16>, %[[L:[^:]*]]: index, %[[P:[^:]*]]: index, %[[N:[^:]*]]: index)
func.func @buffer(%k: memref<4x32xf32>, %c: memref<2x2x64x16xf16>, %layer: index, %pos: index, %n: index) {
  // CHECK: lm.kv_append %[[K]], %[[K]] into %[[C]], %[[C]] at(%[[L]], %[[P]], %[[N]]) : memref<4x32xf32>, memref<4x32xf32>, memref
  lm.kv_append %k, %k into %c, %c at (%layer, %pos, %n)
    : memref<4x32xf32>, memref<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
  return
}

// Keys may be rotated as they are written.
// CHECK-LABEL: @rope
func.func @rope(%k: tensor<4x32xf32>, %c: memref<2x2x64x16xf16>, %t: tensor<65x8x2xf32>, %i: index) {
  // CHECK: lm.kv_append %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}} at(%{{.*}}) rope %{{.*}} {pairing = #lm.pairing<halves>} : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, tensor<65x8x2xf32>
  lm.kv_append %k, %k into %c, %c at (%i, %i, %i) rope %t {pairing = #lm.pairing<halves>}
    : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, tensor<65x8x2xf32>
  return
}
