// What the quantization of gated units refuses beside what mpgemm.quantize does.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @shapes(%g: tensor<4x64xf32>, %u: tensor<4x32xf32>, %n: index) {
  // expected-error @below {{gate and up must have one shape, but have 'tensor<4x64xf32>' and 'tensor<4x32xf32>'}}
  %c, %s, %t = mpgemm.glu_quantize %g, %u, %n {activation = #lm.activation<silu>, group = 32 : i64, sum_group = 32 : i64}
    : (tensor<4x64xf32>, tensor<4x32xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}

// -----
func.func @row(%g: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{quantizes groups of at most 32 columns, but has 64}}
  %c, %s, %t = mpgemm.glu_quantize %g, %g, %n {activation = #lm.activation<silu>, group = 64 : i64, sum_group = 32 : i64}
    : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x1xf32>, tensor<4x2xi32>)
  return
}

// -----
func.func @function(%g: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{attribute 'activation' failed to satisfy constraint: an #lm.activation}}
  %c, %s, %t = mpgemm.glu_quantize %g, %g, %n {activation = 1 : i64, group = 32 : i64, sum_group = 32 : i64}
    : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}
