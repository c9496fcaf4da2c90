// What reading a row of a state refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @row(%s: memref<8x32xf32>, %row: index) {
  // expected-error @below {{gives one row of the state}}
  %y = lm.state_read %s[%row] : (memref<8x32xf32>, index) -> tensor<1x16xf32>
  return
}

// -----
func.func @rows(%s: memref<8x32xf32>, %row: index) {
  // expected-error @below {{gives one row of the state}}
  %y = lm.state_read %s[%row] : (memref<8x32xf32>, index) -> tensor<2x32xf32>
  return
}

// -----
func.func @rank(%s: memref<2x8x32xf32>, %row: index) {
  // expected-error @below {{state must have rank 2, but has 3}}
  %y = lm.state_read %s[%row] : (memref<2x8x32xf32>, index) -> tensor<1x32xf32>
  return
}
