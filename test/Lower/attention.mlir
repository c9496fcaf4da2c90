// RUN: nibble-opt --lower-kernels --split-input-file %s | FileCheck %s

module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
func.func @attend(%q: memref<4x96xf32, strided<[160, 1]>>, %k: memref<2x1x64x32xf16>, %v: memref<2x1x64x32xf16>,
                  %y: memref<4x96xf32>, %layer: index, %pos: index, %n: index, %tid: index, %nthreads: index) {
  lm.attention %q, %k, %v at (%layer, %pos, %n) into %y {heads = 3 : i64, kv_heads = 1 : i64, scale = 0.25 : f64}
    : (memref<4x96xf32, strided<[160, 1]>>, memref<2x1x64x32xf16>, memref<2x1x64x32xf16>, index, index, index,
       memref<4x96xf32>) -> ()
  return
}
}

// Three heads of four rows are a tile of twelve streams.
// CHECK: func.func private @attention_3h_1x64x32_f16_f16_s3e800000_q160_y96_t4
// A block is decoded once: 32 rows of 16 keys, 16 rows of 32 values.
// CHECK: %[[KEYS:.*]] = llvm.alloca %c512_i64
// CHECK: %[[VALUES:.*]] = llvm.alloca %c512_i64
// CHECK: llvm.load {{.*}} -> vector<16xf16>
// CHECK: llvm.getelementptr %[[KEYS]]
// A company that sees the whole block: two chains for each of three streams, one key loaded for all; no lane is masked.
// CHECK: scf.if
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: llvm.load {{.*}} -> vector<16xf32>
// CHECK-COUNT-3: llvm.intr.fmuladd
// CHECK: llvm.load {{.*}} -> vector<16xf32>
// CHECK-NOT: 0xFF800000> : vector
// Otherwise positions that a row does not see are -inf.
// CHECK: } else {
// CHECK: %[[NONE:.*]] = arith.constant dense<0xFF800000> : vector<16xf32>
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[NONE]]
// Values follow when the weights of the chunk are there, for four streams at once.
// CHECK: llvm.getelementptr %[[VALUES]]
// CHECK: scf.if
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) : i64
// CHECK-COUNT-4: llvm.intr.fmuladd
// CHECK-NOT: math.

// -----
// Quantized keys: exact products of bytes, 16 positions of a quad side by side, of 4 bits two quads a byte.
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
func.func @quantized(%q: memref<1x64xf32>, %state: memref<1000000xi8>, %r: memref<2x1x66xf32>, %layer: index, %pos: index,
                     %tid: index, %nthreads: index) {
  %c0 = arith.constant 0 : index
  // The view of a quantized cache is one of bytes from here on, twice 16 blocks: of 4 · 12 · 16 bytes with 4
  // bits (groups of 16 with scale and minimum), of 2 · 34 · 16 with 8.
  // CHECK: memref.view {{.*}} : memref<1000000xi8> to memref<24576xi8>
  // CHECK: memref.view {{.*}} : memref<1000000xi8> to memref<34816xi8>
  %k = memref.view %state[%c0][] : memref<1000000xi8> to memref<2x1x256x64x!lm.cached<q4>>
  %v = memref.view %state[%c0][] : memref<1000000xi8> to memref<2x1x256x64x!lm.cached<q8>>
  lm.attention_partials %q, %k, %v at (%layer, %pos) into %r {heads = 1 : i64, kv_heads = 1 : i64, scale = 0.25 : f64}
    : (memref<1x64xf32>, memref<2x1x256x64x!lm.cached<q4>>, memref<2x1x256x64x!lm.cached<q8>>, index, index, memref<2x1x66xf32>) -> ()
  return
}
}
// CHECK: func.func private @attention_partials_1h_1x256x64_q4_q8_s3e800000
// CHECK: arith.andi {{.*}} : vector<16xi8>
// CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot{{.*}}"
// CHECK: arith.shrui {{.*}} : vector<16xi8>
// The scales of 16 keys meet that of the query.
// CHECK: llvm.load {{.*}} -> vector<16xf16>
// CHECK: arith.sitofp {{.*}} : vector<16xi32> to vector<16xf32>
// Codes of values become floats; their scales are in the weights.
// CHECK: llvm.load {{.*}} -> vector<16xi8>
// CHECK: arith.sitofp {{.*}} : vector<16xi8> to vector<16xf32>

// -----
// Records are joined in the order of their chunks; a block of 32 columns is an item of work.
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @combine(%r: memref<4x2x66xf32>, %y: memref<1x128xf32>, %pos: index, %tid: index, %nthreads: index) {
  lm.attention_combine %r at %pos into %y : (memref<4x2x66xf32>, index, memref<1x128xf32>) -> ()
  return
}
}
// CHECK: func.func private @attention_combine_4x2x64
// CHECK: %c4_i64
// CHECK: scf.for {{.*}} -> (f32, f32, vector<16xf32>, vector<16xf32>)
// CHECK: arith.divf
