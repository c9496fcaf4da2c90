// Of a replicated result each thread has its own, and no barrier is needed for it.
// RUN: nibble-opt --plan-arena %s | FileCheck %s
// RUN: nibble-opt --plan-arena --place-barriers %s | FileCheck %s --check-prefix=BARRIERS

#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>

lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}

// Codes, scales and sums of 64 threads, each on its own cache lines: 3 · 64 · 64 bytes. Thread t has them at t · 64.
// CHECK-LABEL: func.func @row
// CHECK-SAME: %[[ARENA:[^:]*]]: memref<12288xi8>
// CHECK-SAME: %[[TID:[^:]*]]: index, %{{[^:]*}}: index)
// CHECK: %[[MINE:.*]] = arith.muli %[[TID]], %c64
// CHECK-NEXT: %[[BASE:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[PLACE:.*]] = arith.addi %[[MINE]], %[[BASE]]
// CHECK-NEXT: %[[CODES:.*]] = memref.view %[[ARENA]][%[[PLACE]]][] : memref<12288xi8> to memref<1x64xi8>
// CHECK: mpgemm.norm_quantize {{.*}} into %[[CODES]],
// CHECK: mpgemm.mma %{{.*}}, (%[[CODES]],

// What another thread does with its copy does not matter.
// BARRIERS-LABEL: func.func @row
// BARRIERS: mpgemm.norm_quantize
// BARRIERS-NOT: call
// BARRIERS: mpgemm.mma
// BARRIERS-NEXT: return
func.func @row(%x: tensor<1x64xf32>, %w: tensor<64xf32>, %p: tensor<1088xi8, #l>, %n: index) -> tensor<1x16xf32> {
  %c, %s, %t = mpgemm.norm_quantize %x, %w, %n {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64, replicated}
    : (tensor<1x64xf32>, tensor<64xf32>, index) -> (tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>)
  %y = mpgemm.mma %p, (%c, %s, %t) rows %n {row = "r", layout = #l}
    : (tensor<1088xi8, #l>, tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>, index) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
