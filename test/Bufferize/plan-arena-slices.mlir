// A slice is a view of the value that it cuts, which lives as long as its slices.
// RUN: nibble-opt --plan-arena %s | FileCheck %s

lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}

#l = #mpgemm.layout<element = f32, n = 64, k = 32, nr = 16, kr = 1, bias = 0>

// CHECK-LABEL: func.func @slices
func.func @slices(%x: tensor<2x32xf32>, %w: tensor<8192xi8, #l>, %b: tensor<64xf32>, %n: index) -> tensor<2x32xf32> {
  // The buffer form of a product keeps bias and residual apart.
  // CHECK: %[[QK:.*]] = memref.view %{{.*}}[%c0][] : memref<768xi8> to memref<2x64xf32>
  // CHECK: mpgemm.mma %{{.*}}, (%{{.*}}) rows %{{[^ ]*}} bias %{{[^ ]*}} into %[[QK]] {
  // CHECK-SAME: (memref<8192xi8>, memref<2x32xf32>, index, memref<64xf32>, memref<2x64xf32>) -> ()
  %qk = mpgemm.mma %w, (%x) rows %n bias %b {row = "r", layout = #l}
    : (tensor<8192xi8, #l>, tensor<2x32xf32>, index, tensor<64xf32>) -> tensor<2x64xf32>
  // CHECK: %[[Q:.*]] = memref.subview %[[QK]][0, 0] [2, 32] [1, 1] : memref<2x64xf32> to memref<2x32xf32, strided<[64, 1]>>
  %q = tensor.extract_slice %qk[0, 0] [2, 32] [1, 1] : tensor<2x64xf32> to tensor<2x32xf32>
  // CHECK: %[[K:.*]] = memref.subview %[[QK]][0, 32] [2, 32] [1, 1] : memref<2x64xf32> to memref<2x32xf32, strided<[64, 1], offset: 32>>
  %k = tensor.extract_slice %qk[0, 32] [2, 32] [1, 1] : tensor<2x64xf32> to tensor<2x32xf32>
  // The whole is still needed for its second half: the product lies behind it.
  // CHECK: %[[G:.*]] = memref.view %{{.*}}[%c512][] : memref<768xi8> to memref<2x32xf32>
  // CHECK: lm.glu %[[Q]], %[[Q]], %{{.*}} into %[[G]]
  %g = lm.glu %q, %q, %n {activation = #lm.activation<silu>} : (tensor<2x32xf32>, tensor<2x32xf32>, index) -> tensor<2x32xf32>
  // The next one is written over it.
  // CHECK: lm.glu %[[G]], %[[K]], %{{.*}} into %[[G]]
  %h = lm.glu %g, %k, %n {activation = #lm.activation<silu>} : (tensor<2x32xf32>, tensor<2x32xf32>, index) -> tensor<2x32xf32>
  // Three results of one operation are three buffers.
  // CHECK: mpgemm.quantize %[[G]], %{{.*}} into %{{.*}}, %{{.*}}, %{{.*}} {group = 32 : i64, sum_group = 32 : i64} : (memref<2x32xf32>, index, memref<2x32xi8>, memref<2x1xf32>, memref<2x1xi32>) -> ()
  %c, %s, %t = mpgemm.quantize %h, %n {group = 32 : i64, sum_group = 32 : i64}
    : (tensor<2x32xf32>, index) -> (tensor<2x32xi8>, tensor<2x1xf32>, tensor<2x1xi32>)
  %r = lm.glu %h, %h, %n {activation = #lm.activation<silu>} : (tensor<2x32xf32>, tensor<2x32xf32>, index) -> tensor<2x32xf32>
  return %r : tensor<2x32xf32>
}
