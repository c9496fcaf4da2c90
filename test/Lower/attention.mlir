// RUN: nibble-opt --lower-kernels --split-input-file %s | FileCheck %s

module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
func.func @attend(%q: memref<1x96xf32, strided<[160, 1]>>, %k: memref<2x1x64x32xf16>, %v: memref<2x1x64x32xf16>,
                  %y: memref<1x96xf32>, %layer: index, %pos: index, %n: index, %tid: index, %nthreads: index) {
  lm.attention %q, %k, %v at (%layer, %pos, %n) into %y {heads = 3 : i64, kv_heads = 1 : i64, scale = 0.25 : f64}
    : (memref<1x96xf32, strided<[160, 1]>>, memref<2x1x64x32xf16>, memref<2x1x64x32xf16>, index, index, index,
       memref<1x96xf32>) -> ()
  return
}
}

// CHECK: func.func private @attention_3h_1x64x32_q160_y96_f16_f16_s3e800000
// CHECK-SAME: (%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64,

// Weights of a block and weighted sums of three heads at once lie on the stack.
// CHECK: %[[WEIGHTS:.*]] = llvm.alloca %c48_i64
// CHECK: llvm.alloca %c96_i64

// A whole group of a thread's share is done together: two chains for each of three heads, one key loaded for all.
// CHECK: scf.if
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32, f32, f32, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: %[[NONE:.*]] = arith.constant dense<0xFF800000> : vector<16xf32>
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: llvm.load {{.*}} -> vector<16xf16>
// CHECK-COUNT-3: llvm.intr.fmuladd
// CHECK: llvm.load {{.*}} -> vector<16xf16>

// Positions past the row's own are -inf.
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[NONE]]

// Heads of a group that is split between threads are done one by one.
// CHECK: } else {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32, vector<16xf32>)

// CHECK-NOT: math.

// -----
// A window: the walk starts at the block of the first position that a row sees, and lanes before it are -inf, too.
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
func.func @window(%q: memref<1x32xf32>, %k: memref<2x1x64x32xf16>, %y: memref<1x32xf32>, %layer: index, %pos: index,
                  %n: index, %tid: index, %nthreads: index) {
  lm.attention %q, %k, %k at (%layer, %pos, %n) into %y
    {heads = 1 : i64, kv_heads = 1 : i64, scale = 0.25 : f64, window = 20 : i64, softcap = 30.0 : f64}
    : (memref<1x32xf32>, memref<2x1x64x32xf16>, memref<2x1x64x32xf16>, index, index, index, memref<1x32xf32>) -> ()
  return
}
}
// CHECK: func.func private @attention_1h_1x64x32_q32_y32_f16_f16_s3e800000_w20_c41f00000
// CHECK: %[[INSIDE:.*]] = arith.remui %[[START:[0-9]+]], %
// CHECK: %[[FIRST:.*]] = arith.subi %[[START]], %[[INSIDE]]
// CHECK: scf.for %{{.*}} = %[[FIRST]] to
// CHECK: arith.andi {{.*}} : vector<16xi1>
