// The rows of a mixture, one for each expert that a token chose, count for as many rows of a step.
// RUN: nibble-opt --place-barriers --instrument-profile %s | FileCheck %s

#layout = #mpgemm.layout<element = f32, n = 32, k = 32, nr = 16, kr = 1, bias = 0>

// Twice 2048 bytes of weights, 128 of x, 64 of the result and 8 of the choice; 2 · 2 · 16 · 32 operations.
// CHECK: lm.profile = [
// CHECK-SAME: detail = "2 of 2, 16 x 32 f32 by generic_base_1x4x1_f32f32f32",
// CHECK-SAME: name = "expert_mma", position_bytes = 0 : i64, row_bytes = 4496 : i64, row_operations = 2048 : i64
// CHECK-SAME: name = "glu", position_bytes = 0 : i64, row_bytes = 384 : i64, row_operations = 384 : i64
module {
lm.model @m {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 512 : i64, context = 16 : i64, chunk = 4 : i64}
func.func @decode(%w: memref<4096xi8>, %x: memref<2x32xf32>, %c: memref<1x2xi32>, %y: memref<2x16xf32>, %u: memref<2x16xf32>,
                  %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  %two = arith.constant 2 : index
  %rows = arith.muli %n, %two : index
  mpgemm.expert_mma %w, (%x), %c rows %rows into %y {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #layout}
    : (memref<4096xi8>, memref<2x32xf32>, memref<1x2xi32>, index, memref<2x16xf32>) -> ()
  lm.glu %y, %u, %rows into %u {activation = #lm.activation<silu>} : (memref<2x16xf32>, memref<2x16xf32>, index, memref<2x16xf32>) -> ()
  return
}
}
