// RUN: nibble-opt --lower-kernels %s | FileCheck %s

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {

// In place, pairs of neighbours: lanes are taken apart and put together again.
func.func @interleaved(%x: memref<4x64xf32>, %t: memref<66x16x2xf32>, %pos: index, %n: index, %tid: index,
                       %nthreads: index) {
  lm.rope %x, %t at %pos, %n into %x {head_dim = 32 : i64, pairing = #lm.pairing<interleaved>}
    : (memref<4x64xf32>, memref<66x16x2xf32>, index, index, memref<4x64xf32>) -> ()
  return
}

// Pairs across the halves of the first 16 dimensions; the last 16 are copied.
func.func @partial(%x: memref<4x64xf32>, %t: memref<66x8x2xf32>, %y: memref<4x64xf32>, %pos: index, %n: index,
                   %tid: index, %nthreads: index) {
  lm.rope %x, %t at %pos, %n into %y {head_dim = 32 : i64, pairing = #lm.pairing<halves>}
    : (memref<4x64xf32>, memref<66x8x2xf32>, index, index, memref<4x64xf32>) -> ()
  return
}
}

// CHECK-LABEL: func.func private @rope_interleaved_2x32_r32_x64_y64
// The position's row of single steps, then the row of strides.
// CHECK: %[[C64:.*]] = arith.constant 64 : i64
// CHECK: arith.remui %{{.*}}, %[[C64]]
// CHECK: arith.divui
// CHECK: vector.shuffle {{.*}} [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]
// CHECK: %[[MIXED:.*]] = vector.shuffle {{.*}} [0, 16, 1, 17,
// CHECK: llvm.store %[[MIXED]]

// CHECK-LABEL: func.func private @rope_halves_2x32_r16_x64_y64
// CHECK: llvm.store {{.*}} : vector<8xf32>
// CHECK: llvm.store {{.*}} : vector<8xf32>
// CHECK: %[[COPY:.*]] = llvm.load {{.*}} -> vector<16xf32>
// CHECK: llvm.store %[[COPY]]
