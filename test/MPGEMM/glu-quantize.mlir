// A gated unit and its quantization in one survive a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
func.func @value(%g: tensor<4x64xf32>, %u: tensor<4x64xf32>, %n: index) {
  // CHECK: mpgemm.glu_quantize %{{.*}}, %{{.*}}, %{{.*}} {activation = #lm.activation<gelu>, group = 32 : i64, sum_group = 32 : i64} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  %c, %s, %t = mpgemm.glu_quantize %g, %u, %n {activation = #lm.activation<gelu>, group = 32 : i64, sum_group = 32 : i64}
    : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%g: memref<4x64xf32>, %c: memref<4x64xi8>, %s: memref<4x2xf32>, %t: memref<4x2xi32>, %n: index) {
  // CHECK: mpgemm.glu_quantize {{.*}} into %{{.*}}, %{{.*}}, %{{.*}} {{.*}} -> ()
  mpgemm.glu_quantize %g, %g, %n into %c, %s, %t {activation = #lm.activation<silu>, group = 32 : i64, sum_group = 32 : i64}
    : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>) -> ()
  return
}
