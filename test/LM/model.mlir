// The numbers of a model survive a round trip.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK: lm.model @tiny {architecture = "llama", chunk = 16 : i64, context = 64 : i64, embedding = 64 : i64, feed_forward = 128 : i64, head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, layers = 2 : i64, source_hash = "ab12", vocabulary = 512 : i64}
lm.model @tiny {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 4 : i64, kv_heads = 2 : i64,
  head_dim = 16 : i64, feed_forward = 128 : i64, vocabulary = 512 : i64, context = 64 : i64, chunk = 16 : i64,
  source_hash = "ab12"}
