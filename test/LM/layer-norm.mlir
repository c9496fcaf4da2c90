// A layer norm survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has a result; the bias need not be there.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[W:[^:]*]]: tensor<64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // CHECK: lm.layer_norm %[[X]], %[[W]], %[[N]] {epsilon = 1.000000e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
  %0 = lm.layer_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
  // CHECK: lm.layer_norm %[[X]], %[[W]] bias %[[W]], %[[N]] {epsilon = 1.000000e-05 : f64}
  %1 = lm.layer_norm %x, %w bias %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x64xf32>, %[[W:[^:]*]]: memref<16xf32>, %[[Y:[^:]*]]: memref<4x64xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%x: memref<4x64xf32>, %w: memref<16xf32>, %y: memref<4x64xf32>, %n: index) {
  // CHECK: lm.layer_norm %[[X]], %[[W]] bias %[[W]], %[[N]] into %[[Y]] {epsilon = 1.000000e-05 : f64} : ({{.*}}) -> ()
  lm.layer_norm %x, %w bias %w, %n into %y {epsilon = 1.0e-05 : f64} : (memref<4x64xf32>, memref<16xf32>, memref<16xf32>, index, memref<4x64xf32>) -> ()
  return
}
