// What has no place is refused.
// RUN: nibble-opt --plan-arena -split-input-file -verify-diagnostics %s

// expected-error @below {{the module has no lm.model}}
module {}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
// A weight that tile has not packed.
// expected-error @below {{has no layout: 'tensor<64x64x!lowbit.block<u4, 32, f16>>' cannot lie in memory}}
lm.weight @w : tensor<64x64x!lowbit.block<u4, 32, f16>> from [#lm.source<"m", 0, 1, "q">]

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
// expected-error @below {{has several blocks; only straight-line functions can be planned}}
func.func @blocks(%x: tensor<1x64xf32>) {
  cf.br ^next
^next:
  return
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
func.func @identity(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
  // expected-error @below {{returns a value that no operation of the function fills}}
  return %x : tensor<1x64xf32>
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
lm.weight @w : tensor<64xf32> from [#lm.source<"m", 0, 256, "f32">]
func.func @weight() -> tensor<64xf32> {
  %w = lm.weight_ref @w : tensor<64xf32>
  // expected-error @below {{returns a value that no operation of the function fills}}
  return %w : tensor<64xf32>
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
func.func @scalar() -> index {
  %c = arith.constant 1 : index
  // expected-error @below {{returns a value that no operation of the function fills}}
  return %c : index
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
func.func @slice(%x: tensor<1x64xf32>, %n: index) -> tensor<1x32xf32> {
  %0 = lm.glu %x, %x, %n {activation = #lm.activation<silu>} : (tensor<1x64xf32>, tensor<1x64xf32>, index) -> tensor<1x64xf32>
  %1 = tensor.extract_slice %0[0, 0] [1, 32] [1, 1] : tensor<1x64xf32> to tensor<1x32xf32>
  // expected-error @below {{returns a value that no operation of the function fills}}
  return %1 : tensor<1x32xf32>
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
func.func @twice(%x: tensor<1x64xf32>, %n: index) -> (tensor<1x64xf32>, tensor<1x64xf32>) {
  %0 = lm.glu %x, %x, %n {activation = #lm.activation<silu>} : (tensor<1x64xf32>, tensor<1x64xf32>, index) -> tensor<1x64xf32>
  // expected-error @below {{returns a value that no operation of the function fills}}
  return %0, %0 : tensor<1x64xf32>, tensor<1x64xf32>
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
// A residual that was not fused.
func.func @sum(%x: tensor<1x64xf32>, %n: index) {
  // expected-error @below {{has no buffer form; it should have been fused into an operation that has one}}
  %0 = arith.addf %x, %x : tensor<1x64xf32>
  return
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
func.func private @elsewhere(tensor<1x64xf32>) -> tensor<1x64xf32>
func.func @external(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
  // expected-error @below {{calls @elsewhere, which has no body to plan}}
  %0 = call @elsewhere(%x) : (tensor<1x64xf32>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}

// -----
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64, head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
// expected-error @below {{is called by itself; only functions without recursion can be planned}}
func.func private @recursive(%x: tensor<1x64xf32>, %n: index) -> tensor<1x64xf32> {
  %0 = lm.glu %x, %x, %n {activation = #lm.activation<silu>} : (tensor<1x64xf32>, tensor<1x64xf32>, index) -> tensor<1x64xf32>
  %1 = call @recursive(%0, %n) : (tensor<1x64xf32>, index) -> tensor<1x64xf32>
  return %1 : tensor<1x64xf32>
}
