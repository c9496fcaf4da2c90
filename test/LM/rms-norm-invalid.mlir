// What a normalization refuses; its two forms are in team-op-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @norm_shape(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{x and result must have one shape, but have 'tensor<4x64xf32>' and 'tensor<4x32xf32>'}}
  %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @norm_weight(%x: tensor<4x64xf32>, %w: tensor<32xf32>, %n: index) {
  // expected-error @below {{weight must hold 64 values, but holds 32}}
  %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<32xf32>, index) -> tensor<4x64xf32>
  return
}
