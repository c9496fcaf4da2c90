// What attention in records refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @rows(%q: tensor<2x64xf32>, %c: memref<2x2x256x16xf16>, %i: index) {
  // expected-error @below {{takes one row, but q has 2}}
  %p = lm.attention_partials %q, %c, %c at (%i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<2x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index) -> tensor<2x4x18xf32>
  return
}

// -----
func.func @records(%q: tensor<1x64xf32>, %c: memref<2x2x256x16xf16>, %i: index) {
  // expected-error @below {{needs records of (at least 2) x 4 x 18, but has 'tensor<1x4x18xf32>'}}
  %p = lm.attention_partials %q, %c, %c at (%i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index) -> tensor<1x4x18xf32>
  return
}

// -----
// A window of 16 may lie in two chunks.
func.func @window(%q: tensor<1x64xf32>, %c: memref<2x2x32x16xf16>, %i: index) {
  // expected-error @below {{needs records of (at least 2) x 4 x 18}}
  %p = lm.attention_partials %q, %c, %c at (%i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 16 : i64}
    : (tensor<1x64xf32>, memref<2x2x32x16xf16>, memref<2x2x32x16xf16>, index, index) -> tensor<1x4x18xf32>
  return
}

// -----
// A ring that is too short for its window, in a model that is longer than it.
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 4 : i64, kv_heads = 2 : i64,
  head_dim = 16 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 100 : i64, chunk = 4 : i64}
func.func @ring(%q: tensor<4x64xf32>, %c: memref<1x2x32x16xf16>, %i: index) {
  // expected-error @below {{needs a cache of 33 positions, but has 32}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 30 : i64}
    : (tensor<4x64xf32>, memref<1x2x32x16xf16>, memref<1x2x32x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @appended(%q: tensor<1x64xf32>, %c: memref<2x2x256x16xf16>, %k: tensor<1x48xf32>, %i: index) {
  // expected-error @below {{appends a row of 32 values, but found 'tensor<1x48xf32>'}}
  %p = lm.attention_partials %q, %c, %c at (%i, %i) append %k, %k {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index, tensor<1x48xf32>, tensor<1x48xf32>)
    -> tensor<2x4x18xf32>
  return
}

// -----
func.func @pairing(%q: tensor<1x64xf32>, %c: memref<2x2x256x16xf16>, %i: index) {
  // expected-error @below {{rotates with a table and a pairing, but has one of the two only}}
  %p = lm.attention_partials %q, %c, %c at (%i, %i)
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, pairing = #lm.pairing<halves>}
    : (tensor<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index) -> tensor<2x4x18xf32>
  return
}
