// What a rotation of heads refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @rope_width(%x: tensor<4x60xf32>, %t: tensor<66x8x2xf32>, %p: index, %n: index) {
  // expected-error @below {{width 60 is no multiple of head_dim 16}}
  %y = lm.rope %x, %t at %p, %n {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
    : (tensor<4x60xf32>, tensor<66x8x2xf32>, index, index) -> tensor<4x60xf32>
  return
}

// -----
// Sixty-four single steps and at least one stride.
func.func @rope_rows(%x: tensor<4x64xf32>, %t: tensor<64x8x2xf32>, %p: index, %n: index) {
  // expected-error @below {{table must be (64 + strides) x (at most head_dim / 2) x 2, but is 'tensor<64x8x2xf32>'}}
  %y = lm.rope %x, %t at %p, %n {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
    : (tensor<4x64xf32>, tensor<64x8x2xf32>, index, index) -> tensor<4x64xf32>
  return
}
