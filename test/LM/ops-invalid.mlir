// What the operations on rows refuse; symbols are in symbols-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

// An operation stands in one of its two forms.
func.func @no_form(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{needs a result (value form) or `into` buffers (buffer form)}}
  lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> ()
  return
}

// -----
func.func @both_forms(%x: memref<4x64xf32>, %w: memref<64xf32>, %n: index) {
  // expected-error @below {{has both a result and `into` buffers}}
  %y = lm.rms_norm %x, %w, %n into %x {epsilon = 1.0e-05 : f64} : (memref<4x64xf32>, memref<64xf32>, index, memref<4x64xf32>) -> tensor<4x64xf32>
  return
}

// -----
func.func @mixed(%x: memref<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{in buffer form takes memrefs, but an operand is 'tensor<64xf32>'}}
  lm.rms_norm %x, %w, %n into %x {epsilon = 1.0e-05 : f64} : (memref<4x64xf32>, tensor<64xf32>, index, memref<4x64xf32>) -> ()
  return
}

// -----
func.func @embed_rank(%t: tensor<4x1xi32>, %e: tensor<512x64xf32>, %n: index) {
  // expected-error @below {{tokens must have rank 1, but has 2}}
  %y = lm.embed %t, %e, %n : (tensor<4x1xi32>, tensor<512x64xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @embed_rows(%t: tensor<4xi32>, %e: tensor<512x64xf32>, %n: index) {
  // expected-error @below {{gives one row a token}}
  %y = lm.embed %t, %e, %n : (tensor<4xi32>, tensor<512x64xf32>, index) -> tensor<5x64xf32>
  return
}

// -----
func.func @norm_shape(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{x and result must have one shape, but have 'tensor<4x64xf32>' and 'tensor<4x32xf32>'}}
  %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @norm_weight(%x: tensor<4x64xf32>, %w: tensor<32xf32>, %n: index) {
  // expected-error @below {{weight must hold 64 values, but holds 32}}
  %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<32xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @linear_columns(%x: tensor<4x64xf32>, %w: tensor<96x32xf32>, %n: index) {
  // expected-error @below {{x has 64 columns, but the weight has 32}}
  %y = lm.linear %x, %w rows %n : (tensor<4x64xf32>, tensor<96x32xf32>, index) -> tensor<4x96xf32>
  return
}

// -----
func.func @linear_result(%x: tensor<4x64xf32>, %w: tensor<96x64xf32>, %n: index) {
  // expected-error @below {{result must be 4x96, but is 4x64}}
  %y = lm.linear %x, %w rows %n : (tensor<4x64xf32>, tensor<96x64xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @linear_bias(%x: tensor<4x64xf32>, %w: tensor<96x64xf32>, %b: tensor<64xf32>, %n: index) {
  // expected-error @below {{bias must hold 96 values, but is 'tensor<64xf32>'}}
  %y = lm.linear %x, %w bias %b rows %n : (tensor<4x64xf32>, tensor<96x64xf32>, index, tensor<64xf32>) -> tensor<4x96xf32>
  return
}

// -----
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

// -----
func.func @glu(%g: tensor<4x64xf32>, %u: tensor<4x32xf32>, %n: index) {
  // expected-error @below {{gate and up must have one shape}}
  %y = lm.glu %g, %u, %n {activation = #lm.activation<silu>} : (tensor<4x64xf32>, tensor<4x32xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @glu_result(%g: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{gate and result must have one shape}}
  %y = lm.glu %g, %g, %n {activation = #lm.activation<silu>} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x32xf32>
  return
}
