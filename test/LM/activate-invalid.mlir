// What a unit without a gate refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @activate(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{x and result must have one shape}}
  %y = lm.activate %x, %n {activation = #lm.activation<silu>} : (tensor<4x64xf32>, index) -> tensor<4x32xf32>
  return
}
