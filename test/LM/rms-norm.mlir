// A normalization survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has a result.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[W:[^:]*]]: tensor<64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // CHECK: lm.rms_norm %[[X]], %[[W]], %[[N]] {epsilon = 1.000000e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
  %0 = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
  // A residual, and a weight of each head.
  // CHECK: lm.rms_norm %[[X]], %{{.*}}, %[[N]] residual %[[X]] {epsilon = 1.000000e-05 : f64} : (tensor<4x64xf32>, tensor<16xf32>, index, tensor<4x64xf32>) -> tensor<4x64xf32>
  %h = arith.constant dense<1.0> : tensor<16xf32>
  %1 = lm.rms_norm %x, %h, %n residual %x {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<16xf32>, index, tensor<4x64xf32>) -> tensor<4x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x64xf32>, %[[W:[^:]*]]: memref<64xf32>, %[[Y:[^:]*]]: memref<4x64xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%x: memref<4x64xf32>, %w: memref<64xf32>, %y: memref<4x64xf32>, %n: index) {
  // CHECK: lm.rms_norm %[[X]], %[[W]], %[[N]] into %[[Y]] {epsilon = 1.000000e-05 : f64} : ({{.*}}) -> ()
  lm.rms_norm %x, %w, %n into %y {epsilon = 1.0e-05 : f64} : (memref<4x64xf32>, memref<64xf32>, index, memref<4x64xf32>) -> ()
  return
}
