// Operations of one shape share a kernel; those of another get their own. Symbols of the model are gone afterwards.
// RUN: nibble-opt --lower-kernels %s | FileCheck %s

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
lm.weight @w : tensor<64xf32> from [#lm.source<"m", 0, 256, "f32">] {offset = 0 : i64}
lm.state @s : memref<1x64xf32> {offset = 0 : i64}

// Two functions, three products of gates with ups, two shapes.
// CHECK-NOT: lm.
// CHECK-LABEL: func.func @a
// CHECK: call @[[NARROW:glu_silu_64[a-z0-9_]*]](
// CHECK: call @[[WIDE:glu_silu_128[a-z0-9_]*]](
func.func @a(%x: memref<1x64xf32>, %y: memref<1x128xf32>, %n: index, %tid: index, %nthreads: index) {
  lm.glu %x, %x, %n into %x {activation = #lm.activation<silu>} : (memref<1x64xf32>, memref<1x64xf32>, index, memref<1x64xf32>) -> ()
  lm.glu %y, %y, %n into %y {activation = #lm.activation<silu>} : (memref<1x128xf32>, memref<1x128xf32>, index, memref<1x128xf32>) -> ()
  return
}
// The number of the thread and the size of the team come last, each as i64.
// CHECK-LABEL: func.func @b
// CHECK-SAME: %[[TID:[^ ]*]]: index, %[[NT:[^ ]*]]: index)
// CHECK-DAG: %[[TID64:.*]] = arith.index_cast %[[TID]] : index to i64
// CHECK-DAG: %[[NT64:.*]] = arith.index_cast %[[NT]] : index to i64
// CHECK: call @[[NARROW]](%{{.*}}, %[[TID64]], %[[NT64]]) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, i64) -> ()
func.func @b(%x: memref<1x64xf32>, %n: index, %tid: index, %nthreads: index) {
  lm.glu %x, %x, %n into %x {activation = #lm.activation<silu>} : (memref<1x64xf32>, memref<1x64xf32>, index, memref<1x64xf32>) -> ()
  return
}
}
// CHECK-COUNT-2: func.func private @{{.*}}passthrough = ["noinline"]
// CHECK-NOT: func.func
