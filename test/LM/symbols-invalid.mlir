// What the model's numbers, weights and states refuse, and the references to them.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{layers must be positive, but is 0}}
lm.model @m {architecture = "llama", layers = 0 : i64, embedding = 64 : i64, heads = 4 : i64, kv_heads = 2 : i64,
  head_dim = 16 : i64, feed_forward = 128 : i64, vocabulary = 512 : i64, context = 64 : i64, chunk = 16 : i64}

// -----
// expected-error @below {{chunk must be positive, but is -1}}
lm.model @m {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 4 : i64, kv_heads = 2 : i64,
  head_dim = 16 : i64, feed_forward = 128 : i64, vocabulary = 512 : i64, context = 64 : i64, chunk = -1 : i64}

// -----
// expected-error @below {{heads (4) must be a multiple of kv_heads (3)}}
lm.model @m {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 4 : i64, kv_heads = 3 : i64,
  head_dim = 16 : i64, feed_forward = 128 : i64, vocabulary = 512 : i64, context = 64 : i64, chunk = 16 : i64}

// -----
// expected-error @below {{needs at least one source}}
lm.weight @w : tensor<8x32xf32> from []

// -----
// expected-error @below {{takes sources of kind #lm.source or #lm.rope_table, but found "file.gguf"}}
lm.weight @w : tensor<8x32xf32> from ["file.gguf"]

// -----
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

// -----
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

// -----
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
