// What every operation with a value form and a buffer form refuses, shown on lm.rms_norm.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

// An operation stands in one of its two forms.
func.func @no_form(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{needs a result (value form) or `into` buffers (buffer form)}}
  lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> ()
  return
}

// -----
func.func @both_forms(%x: memref<4x64xf32>, %w: memref<64xf32>, %n: index) {
  // expected-error @below {{has both a result and `into` buffers}}
  %y = lm.rms_norm %x, %w, %n into %x {epsilon = 1.0e-05 : f64} : (memref<4x64xf32>, memref<64xf32>, index, memref<4x64xf32>) -> tensor<4x64xf32>
  return
}

// -----
func.func @mixed(%x: memref<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{in buffer form takes memrefs, but an operand is 'tensor<64xf32>'}}
  lm.rms_norm %x, %w, %n into %x {epsilon = 1.0e-05 : f64} : (memref<4x64xf32>, tensor<64xf32>, index, memref<4x64xf32>) -> ()
  return
}
