// While a block that was unpacked ahead is multiplied, each tile of four rows fetches its share of the next block's packed bytes, eight
// records of 288 or 36 lines, into the second level of the cache. What unpacks a block fetches nothing.
// RUN: sed -e 's/CPU/triple = "x86_64-linux-gnu", cpu = "znver3"/;s/ROW/x86_avx2_1x8x4_u7s8s32/' %s | nibble-opt --lower-kernels | FileCheck %s --check-prefix=TILES
// RUN: sed -e 's/CPU/triple = "aarch64-linux-gnu", cpu = "cortex-a76"/;s/ROW/aarch64_dotprod_1x4x4_s8s8s32/' %s | nibble-opt --lower-kernels | FileCheck %s --check-prefix=ALONE

#l = #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 64, k = 512, nr = 16, kr = 4, bias = 0>

module attributes {mpgemm.target = #mpgemm.target<CPU, features = "">} {
func.func @product(%w: memref<18432xi8>, %x: memref<64x512xi8>, %s: memref<64x16xf32>, %sums: memref<64x16xi32>, %y: memref<64x64xf32>, %n: index, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x, %s, %sums) rows %n into %y {row = "ROW", layout = #l}
    : (memref<18432xi8>, memref<64x512xi8>, memref<64x16xf32>, memref<64x16xi32>, index, memref<64x64xf32>) -> ()
  return
}
}

// TILES: func.func private @mma_
// TILES-NOT: llvm.intr.prefetch
// TILES: %[[LINES:.*]] = arith.constant 144 : i64
// TILES-NEXT: arith.divui %[[LINES]], %
// TILES: scf.for
// TILES: "llvm.intr.prefetch"(%{{.*}}) <{cache = 1 : i32, hint = 2 : i32, rw = 0 : i32}>
// TILES-NOT: hint = 2

// ALONE: func.func private @mma_
// ALONE-NOT: llvm.intr.prefetch
