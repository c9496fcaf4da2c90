// What appending to the KV cache refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @append_shapes(%k: tensor<4x32xf32>, %v: tensor<4x16xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // expected-error @below {{k and v must have one shape}}
  lm.kv_append %k, %v into %c, %c at (%i, %i, %i) : tensor<4x32xf32>, tensor<4x16xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
  return
}

// -----
func.func @append_rank(%k: tensor<4x32xf32>, %c: memref<2x64x16xf16>, %i: index) {
  // expected-error @below {{keys must have rank 4, but has 3}}
  lm.kv_append %k, %k into %c, %c at (%i, %i, %i) : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x64x16xf16>, memref<2x64x16xf16>
  return
}

// -----
func.func @append_caches(%k: tensor<4x32xf32>, %c: memref<2x2x64x16xf16>, %d: memref<2x2x32x16xf16>, %i: index) {
  // expected-error @below {{keys and values must have one shape, but have 'memref<2x2x64x16xf16>' and 'memref<2x2x32x16xf16>'}}
  lm.kv_append %k, %k into %c, %d at (%i, %i, %i) : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x32x16xf16>
  return
}

// -----
// Keys are stored in blocks of 16 positions.
func.func @append_context(%k: tensor<4x32xf32>, %c: memref<2x2x60x16xf16>, %i: index) {
  // expected-error @below {{needs a cache of a multiple of 16 positions, but has 60}}
  lm.kv_append %k, %k into %c, %c at (%i, %i, %i) : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x60x16xf16>, memref<2x2x60x16xf16>
  return
}

// -----
func.func @append_width(%k: tensor<4x48xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // expected-error @below {{has rows of 48 values, but 2 heads of 16}}
  lm.kv_append %k, %k into %c, %c at (%i, %i, %i) : tensor<4x48xf32>, tensor<4x48xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
  return
}

// -----
func.func @append_pairing(%k: tensor<4x32xf32>, %c: memref<2x2x64x16xf16>, %t: tensor<65x8x2xf32>, %i: index) {
  // expected-error @below {{rotates with a table and a pairing, but has one of the two only}}
  lm.kv_append %k, %k into %c, %c at (%i, %i, %i) rope %t
    : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, tensor<65x8x2xf32>
  return
}

// -----
func.func @append_table(%k: tensor<4x32xf32>, %c: memref<2x2x64x16xf16>, %t: tensor<65x9x2xf32>, %i: index) {
  // expected-error @below {{table must be (64 + strides) x (at most head_dim / 2) x 2, but is 'tensor<65x9x2xf32>'}}
  lm.kv_append %k, %k into %c, %c at (%i, %i, %i) rope %t {pairing = #lm.pairing<halves>}
    : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, tensor<65x9x2xf32>
  return
}
