// What joining records refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @combine(%p: tensor<2x4x18xf32>, %i: index) {
  // expected-error @below {{gives one row of 4 heads of 16 values, but the result is 'tensor<1x60xf32>'}}
  %y = lm.attention_combine %p at %i : (tensor<2x4x18xf32>, index) -> tensor<1x60xf32>
  return
}
