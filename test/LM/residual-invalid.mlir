// What a weighted residual refuses; its two forms are in team-op-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @branch(%x: tensor<4x64xf32>, %b: tensor<4x32xf32>, %n: index) {
  // expected-error @below {{x and branch must have one shape}}
  %y = lm.residual %x, %b, %n {scale = 0.25 : f64} : (tensor<4x64xf32>, tensor<4x32xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @result(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{x and result must have one shape}}
  %y = lm.residual %x, %x, %n {scale = 0.25 : f64} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x32xf32>
  return
}
