// What attention refuses: shapes and numbers of heads that do not fit the cache.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @attention_result(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // expected-error @below {{q and result must have one shape}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @attention_width(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // expected-error @below {{has rows of 64 values, but 2 heads of 16}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @attention_heads(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // expected-error @below {{kv_heads is 4, but the cache holds 2}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 4 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @attention_groups(%q: tensor<4x64xf32>, %c: memref<2x3x64x16xf16>, %i: index) {
  // expected-error @below {{heads (4) must be a multiple of kv_heads (3)}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 3 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x3x64x16xf16>, memref<2x3x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @attention_no_heads(%q: tensor<4x64xf32>, %c: memref<2x0x64x16xf16>, %i: index) {
  // expected-error @below {{heads (4) must be a multiple of kv_heads (0)}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 0 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x0x64x16xf16>, memref<2x0x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @attention_window(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // expected-error @below {{attribute 'window' failed to satisfy constraint}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 0 : i64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @attention_cap(%q: tensor<4x64xf32>, %c: memref<2x2x64x16xf16>, %i: index) {
  // expected-error @below {{softcap must be a positive number, but is -1}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, softcap = -1.0 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @attention_element(%q: tensor<4x32xf32>, %c: memref<2x2x64x16xi8>, %i: index) {
  // expected-error @below {{takes a cache of f32, f16 or !lm.cached, but found 'i8'}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x32xf32>, memref<2x2x64x16xi8>, memref<2x2x64x16xi8>, index, index, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @attention_dimensions(%q: tensor<4x40xf32>, %c: memref<2x2x64x20x!lm.cached<q4>>, %i: index) {
  // expected-error @below {{quantizes heads of a multiple of 16 dimensions, but they have 20}}
  %y = lm.attention %q, %c, %c at (%i, %i, %i) {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x40xf32>, memref<2x2x64x20x!lm.cached<q4>>, memref<2x2x64x20x!lm.cached<q4>>, index, index, index) -> tensor<4x40xf32>
  return
}

// -----
func.func @window(%x: tensor<4x64xf32>, %kv: memref<1x4x16x16xf16>, %i: index) {
  // expected-error @below {{is bidirectional, which a window is not defined for}}
  %y = lm.attention %x, %kv, %kv at (%i, %i, %i) {heads = 4 : i64, kv_heads = 4 : i64, scale = 0.25 : f64, window = 8 : i64, bidirectional} : (tensor<4x64xf32>, memref<1x4x16x16xf16>, memref<1x4x16x16xf16>, index, index, index) -> tensor<4x64xf32>
  return
}
