// The last step of logits survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<1x64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<1x64xf32>, %n: index) {
  // CHECK: lm.logits %[[X]], %[[N]] {softcap = 3.000000e+01 : f64} : (tensor<1x64xf32>, index) -> tensor<1x64xf32>
  %0 = lm.logits %x, %n {softcap = 30.0 : f64} : (tensor<1x64xf32>, index) -> tensor<1x64xf32>
  // CHECK: lm.logits %[[X]], %[[N]] {scale = 1.250000e-01 : f64}
  %1 = lm.logits %x, %n {scale = 0.125 : f64} : (tensor<1x64xf32>, index) -> tensor<1x64xf32>
  return
}

// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<1x64xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%x: memref<1x64xf32>, %n: index) {
  // CHECK: lm.logits %[[X]], %[[N]] into %[[X]] {scale = 1.250000e-01 : f64, softcap = 3.000000e+01 : f64} : ({{.*}}) -> ()
  lm.logits %x, %n into %x {scale = 0.125 : f64, softcap = 30.0 : f64} : (memref<1x64xf32>, index, memref<1x64xf32>) -> ()
  return
}
