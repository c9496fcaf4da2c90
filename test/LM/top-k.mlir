// The choice of experts survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x8xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x8xf32>, %n: index) {
  // CHECK: lm.top_k %[[X]], %[[N]] {k = 2 : i64} : (tensor<4x8xf32>, index) -> (tensor<4x2xi32>, tensor<4x2xf32>)
  %c, %w = lm.top_k %x, %n {k = 2 : i64} : (tensor<4x8xf32>, index) -> (tensor<4x2xi32>, tensor<4x2xf32>)
  // CHECK: lm.top_k %[[X]], %[[N]] {k = 8 : i64, normalize}
  %d, %v = lm.top_k %x, %n {k = 8 : i64, normalize} : (tensor<4x8xf32>, index) -> (tensor<4x8xi32>, tensor<4x8xf32>)
  return
}

// The buffer form names both buffers after `into`, and has no result.
// CHECK-LABEL: @buffer
func.func @buffer(%x: memref<4x8xf32>, %c: memref<4x2xi32>, %w: memref<4x2xf32>, %n: index) {
  // CHECK: lm.top_k %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}} {k = 2 : i64} : ({{.*}}) -> ()
  lm.top_k %x, %n into %c, %w {k = 2 : i64} : (memref<4x8xf32>, index, memref<4x2xi32>, memref<4x2xf32>) -> ()
  return
}
