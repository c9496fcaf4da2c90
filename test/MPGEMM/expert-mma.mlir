// A product with chosen experts survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

#layout = #mpgemm.layout<element = f32, n = 32, k = 32, nr = 16, kr = 1, bias = 0>

// CHECK-LABEL: @value
func.func @value(%w: tensor<4096xi8, #layout>, %x: tensor<4x32xf32>, %c: tensor<4x2xi32>, %n: index) {
  // CHECK: mpgemm.expert_mma %{{.*}}, (%{{.*}}), %{{.*}} rows %{{.*}} {experts = 2 : i64, layout = #{{.*}}, row = "generic_base_1x4x1_f32f32f32"}
  %y = mpgemm.expert_mma %w, (%x), %c rows %n {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #layout}
    : (tensor<4096xi8, #layout>, tensor<4x32xf32>, tensor<4x2xi32>, index) -> tensor<8x16xf32>
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%w: memref<4096xi8>, %x: memref<4x32xf32>, %c: memref<4x2xi32>, %y: memref<8x16xf32>, %n: index) {
  // CHECK: mpgemm.expert_mma {{.*}} into %{{.*}} {{{.*}}} : ({{.*}}) -> ()
  mpgemm.expert_mma %w, (%x), %c rows %n into %y {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #layout}
    : (memref<4096xi8>, memref<4x32xf32>, memref<4x2xi32>, index, memref<8x16xf32>) -> ()
  return
}
