// Records of attention outlive the row that they make until that is quantized, block by block by the same thread: another
// one may still read them.
// RUN: nibble-opt --plan-arena --place-barriers %s | FileCheck %s

lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 2 : i64, kv_heads = 1 : i64,
  head_dim = 32 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}

!c = memref<1x1x256x32xf16>

// CHECK-LABEL: func.func @records
// CHECK: lm.attention_partials
// CHECK: call @nibble_barrier
// CHECK-NEXT: lm.attention_combine
// CHECK-NOT: call
// CHECK: mpgemm.quantize
// CHECK: return
func.func @records(%q: tensor<1x64xf32>, %c: !c, %pos: index, %n: index) -> (tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>) {
  %p = lm.attention_partials %q, %c, %c at (%n, %pos) {heads = 2 : i64, kv_heads = 1 : i64, scale = 0.25 : f64}
    : (tensor<1x64xf32>, !c, !c, index, index) -> tensor<2x2x34xf32>
  %y = lm.attention_combine %p at %pos : (tensor<2x2x34xf32>, index) -> tensor<1x64xf32>
  %d, %s, %t = mpgemm.quantize %y, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<1x64xf32>, index) -> (tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>)
  return %d, %s, %t : tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>
}
