// What a reference to a state refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @no_state() {
  // expected-error @below {{names no lm.state: @s}}
  %s = lm.state_ref @s : memref<8x32xf32>
  return
}

// -----
lm.state @s : memref<8x32xf32>
func.func @state_type() {
  // expected-error @below {{has type 'memref<8x32xf16>', but the state has 'memref<8x32xf32>'}}
  %s = lm.state_ref @s : memref<8x32xf16>
  return
}
