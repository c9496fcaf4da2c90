// A unit without a gate survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
func.func @value(%x: tensor<4x64xf32>, %n: index) {
  // CHECK: lm.activate %{{.*}}, %{{.*}} {activation = #lm.activation<gelu_erf>} : (tensor<4x64xf32>, index) -> tensor<4x64xf32>
  %y = lm.activate %x, %n {activation = #lm.activation<gelu_erf>} : (tensor<4x64xf32>, index) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%x: memref<4x64xf32>, %n: index) {
  // CHECK: lm.activate {{.*}} into %{{.*}} {activation = #lm.activation<silu>} : ({{.*}}) -> ()
  lm.activate %x, %n into %x {activation = #lm.activation<silu>} : (memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  return
}
