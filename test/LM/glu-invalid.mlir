// What a gated unit refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @glu(%g: tensor<4x64xf32>, %u: tensor<4x32xf32>, %n: index) {
  // expected-error @below {{gate and up must have one shape}}
  %y = lm.glu %g, %u, %n {activation = #lm.activation<silu>} : (tensor<4x64xf32>, tensor<4x32xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @glu_result(%g: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{gate and result must have one shape}}
  %y = lm.glu %g, %g, %n {activation = #lm.activation<silu>} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x32xf32>
  return
}
