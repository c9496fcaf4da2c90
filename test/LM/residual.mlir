// A weighted residual survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[B:[^:]*]]: tensor<4x64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %b: tensor<4x64xf32>, %n: index) {
  // CHECK: lm.residual %[[X]], %[[B]], %[[N]] {scale = 2.500000e-01 : f64} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
  %0 = lm.residual %x, %b, %n {scale = 0.25 : f64} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x64xf32>, %[[B:[^:]*]]: memref<4x64xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%x: memref<4x64xf32>, %b: memref<4x64xf32>, %n: index) {
  // CHECK: lm.residual %[[X]], %[[B]], %[[N]] into %[[X]] {scale = 2.500000e-01 : f64} : ({{.*}}) -> ()
  lm.residual %x, %b, %n into %x {scale = 0.25 : f64} : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  return
}
