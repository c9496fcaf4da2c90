// What a normalization refuses; its two forms are in team-op-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @norm_shape(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{x and result must have one shape, but have 'tensor<4x64xf32>' and 'tensor<4x32xf32>'}}
  %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @norm_weight(%x: tensor<4x64xf32>, %w: tensor<48xf32>, %n: index) {
  // expected-error @below {{weight must hold 64 values or a divisor of it, but holds 48}}
  %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<48xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @norm_residual(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %r: tensor<1x64xf32>, %n: index) {
  // expected-error @below {{x and residual must have one shape}}
  %y = lm.rms_norm %x, %w, %n residual %r {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index, tensor<1x64xf32>) -> tensor<4x64xf32>
  return
}
