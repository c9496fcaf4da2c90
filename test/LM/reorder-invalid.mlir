// What lm.reorder refuses; its two forms are in team-op-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @short(%x: tensor<4x64xf32>, %o: tensor<32xi32>, %n: index) {
  // expected-error @below {{order must hold an i32 for each of the 64 columns}}
  %y = lm.reorder %x, %o, %n : (tensor<4x64xf32>, tensor<32xi32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @floats(%x: tensor<4x64xf32>, %o: tensor<64xf32>, %n: index) {
  // expected-error @below {{order must hold an i32 for each of the 64 columns}}
  %y = lm.reorder %x, %o, %n : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @result(%x: tensor<4x64xf32>, %o: tensor<64xi32>, %n: index) {
  // expected-error @below {{x and result must have one shape}}
  %y = lm.reorder %x, %o, %n : (tensor<4x64xf32>, tensor<64xi32>, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @inplace(%x: memref<4x64xf32>, %o: memref<64xi32>, %n: index) {
  // expected-error @below {{cannot be done in place}}
  lm.reorder %x, %o, %n into %x : (memref<4x64xf32>, memref<64xi32>, index, memref<4x64xf32>) -> ()
  return
}
