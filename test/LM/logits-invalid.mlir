// What the last step of logits refuses; its two forms are in team-op-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @nothing(%x: tensor<1x64xf32>, %n: index) {
  // expected-error @below {{needs a scale or a softcap; without both it is nothing}}
  %y = lm.logits %x, %n : (tensor<1x64xf32>, index) -> tensor<1x64xf32>
  return
}

// -----
func.func @cap(%x: tensor<1x64xf32>, %n: index) {
  // expected-error @below {{softcap must be a positive number, but is -1.0}}
  %y = lm.logits %x, %n {softcap = -1.0 : f64} : (tensor<1x64xf32>, index) -> tensor<1x64xf32>
  return
}

// -----
func.func @result(%x: tensor<1x64xf32>, %n: index) {
  // expected-error @below {{x and result must have one shape}}
  %y = lm.logits %x, %n {scale = 0.5 : f64} : (tensor<1x64xf32>, index) -> tensor<1x32xf32>
  return
}
