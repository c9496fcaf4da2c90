// Which numbers of a model are refused.
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
