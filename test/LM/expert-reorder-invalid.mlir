// What lm.expert_reorder refuses; its two forms are in team-op-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @order(%x: tensor<2x64xf32>, %o: tensor<100xi32>, %c: tensor<2x2xi32>, %n: index) {
  // expected-error @below {{order must hold an i32 for each of the 64 columns of each expert, but is 'tensor<100xi32>'}}
  %y = lm.expert_reorder %x, %o, %c, %n : (tensor<2x64xf32>, tensor<100xi32>, tensor<2x2xi32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @chosen(%x: tensor<2x64xf32>, %o: tensor<256xi32>, %c: tensor<3x1xi32>, %n: index) {
  // expected-error @below {{needs as many i32 for each of the 2 rows of x, but chosen is 'tensor<3x1xi32>'}}
  %y = lm.expert_reorder %x, %o, %c, %n : (tensor<2x64xf32>, tensor<256xi32>, tensor<3x1xi32>, index) -> tensor<3x64xf32>
  return
}

// -----
func.func @result(%x: tensor<2x64xf32>, %o: tensor<256xi32>, %c: tensor<2x2xi32>, %n: index) {
  // expected-error @below {{result must be 4x64, but is 'tensor<2x64xf32>'}}
  %y = lm.expert_reorder %x, %o, %c, %n : (tensor<2x64xf32>, tensor<256xi32>, tensor<2x2xi32>, index) -> tensor<2x64xf32>
  return
}

// -----
func.func @inplace(%x: memref<2x64xf32>, %o: memref<256xi32>, %c: memref<2x1xi32>, %n: index) {
  // expected-error @below {{cannot be done in place}}
  lm.expert_reorder %x, %o, %c, %n into %x : (memref<2x64xf32>, memref<256xi32>, memref<2x1xi32>, index, memref<2x64xf32>) -> ()
  return
}
