// What a reference to a weight refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @no_weight() {
  // expected-error @below {{names no lm.weight: @w}}
  %w = lm.weight_ref @w : tensor<8x32xf32>
  return
}

// -----
// A state is no weight.
lm.state @s : memref<8x32xf32>
func.func @wrong_kind() {
  // expected-error @below {{names no lm.weight: @s}}
  %w = lm.weight_ref @s : tensor<8x32xf32>
  return
}

// -----
lm.weight @w : tensor<8x32xf32> from [#lm.source<"m.gguf", 0, 1024, "f32">]
func.func @weight_type() {
  // expected-error @below {{has type 'tensor<32x8xf32>', but the weight has 'tensor<8x32xf32>'}}
  %w = lm.weight_ref @w : tensor<32x8xf32>
  return
}
