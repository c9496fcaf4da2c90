// A gated unit survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has a result; all activations.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[G:[^:]*]]: tensor<4x64xf32>, %[[U:[^:]*]]: tensor<4x64xf32>, %[[N:[^:]*]]: index)
func.func @value(%g: tensor<4x64xf32>, %u: tensor<4x64xf32>, %n: index) {
  // CHECK: lm.glu %[[G]], %[[U]], %[[N]] {activation = #lm.activation<silu>}
  %0 = lm.glu %g, %u, %n {activation = #lm.activation<silu>} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
  // CHECK: lm.glu %[[G]], %[[U]], %[[N]] {activation = #lm.activation<gelu>}
  %1 = lm.glu %g, %u, %n {activation = #lm.activation<gelu>} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
  // CHECK: lm.glu %[[G]], %[[U]], %[[N]] {activation = #lm.activation<relu2>}
  %2 = lm.glu %g, %u, %n {activation = #lm.activation<relu2>} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[G:[^:]*]]: memref<4x64xf32>, %[[U:[^:]*]]: memref<4x64xf32>, %[[Y:[^:]*]]: memref<4x64xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%g: memref<4x64xf32>, %u: memref<4x64xf32>, %y: memref<4x64xf32>, %n: index) {
  // CHECK: lm.glu %[[G]], %[[U]], %[[N]] into %[[Y]] {activation = #lm.activation<silu>} : ({{.*}}) -> ()
  lm.glu %g, %u, %n into %y {activation = #lm.activation<silu>} : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  return
}
