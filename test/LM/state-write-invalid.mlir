// What storing rows in a state refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @width(%x: tensor<4x16xf32>, %n: index, %s: memref<8x32xf32>) {
  // expected-error @below {{stores 4 rows of 16 values in a state of 8 rows of 32}}
  lm.state_write %x, %n into %s : tensor<4x16xf32>, memref<8x32xf32>
  return
}

// -----
func.func @rows(%x: tensor<9x32xf32>, %n: index, %s: memref<8x32xf32>) {
  // expected-error @below {{stores 9 rows of 32 values in a state of 8 rows of 32}}
  lm.state_write %x, %n into %s : tensor<9x32xf32>, memref<8x32xf32>
  return
}

// -----
func.func @rank(%x: tensor<4x32xf32>, %n: index, %s: memref<2x8x32xf32>) {
  // expected-error @below {{state must have rank 2, but has 3}}
  lm.state_write %x, %n into %s : tensor<4x32xf32>, memref<2x8x32xf32>
  return
}
