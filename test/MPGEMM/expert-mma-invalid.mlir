// What a product with chosen experts refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

#layout = #mpgemm.layout<element = f32, n = 32, k = 32, nr = 16, kr = 1, bias = 0>
func.func @panels(%w: tensor<4096xi8, #layout>, %x: tensor<4x32xf32>, %c: tensor<4x2xi32>, %n: index) {
  // expected-error @below {{the 32 rows of the weight are not whole panels of 16 rows for each of 4 experts}}
  %y = mpgemm.expert_mma %w, (%x), %c rows %n {row = "generic_base_1x4x1_f32f32f32", experts = 4 : i64, layout = #layout}
    : (tensor<4096xi8, #layout>, tensor<4x32xf32>, tensor<4x2xi32>, index) -> tensor<8x8xf32>
  return
}

// -----
#layout = #mpgemm.layout<element = f32, n = 32, k = 32, nr = 16, kr = 1, bias = 0>
func.func @chosen(%w: tensor<4096xi8, #layout>, %x: tensor<4x32xf32>, %c: tensor<3x2xi32>, %n: index) {
  // expected-error @below {{needs as many i32 for each of the 4 rows of activations}}
  %y = mpgemm.expert_mma %w, (%x), %c rows %n {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #layout}
    : (tensor<4096xi8, #layout>, tensor<4x32xf32>, tensor<3x2xi32>, index) -> tensor<6x16xf32>
  return
}

// -----
#layout = #mpgemm.layout<element = f32, n = 32, k = 32, nr = 16, kr = 1, bias = 0>
func.func @result(%w: tensor<4096xi8, #layout>, %x: tensor<4x32xf32>, %c: tensor<4x2xi32>, %n: index) {
  // expected-error @below {{result must be 8x16, but is 'tensor<8x32xf32>'}}
  %y = mpgemm.expert_mma %w, (%x), %c rows %n {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #layout}
    : (tensor<4096xi8, #layout>, tensor<4x32xf32>, tensor<4x2xi32>, index) -> tensor<8x32xf32>
  return
}
