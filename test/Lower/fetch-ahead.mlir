// Weights are fetched ahead on CPUs whose row of the CPU models says how far: in the stream for a single row of
// activations, at the same place of the next panel (1088 bytes) for a tile of them.
// RUN: sed -e 's/CPU/triple = "x86_64-linux-gnu", cpu = "znver3"/;s/ROW/x86_avx2_1x8x4_u7s8s32/' %s | nibble-opt --lower-kernels | FileCheck %s --check-prefix=AHEAD
// RUN: sed -e 's/CPU/triple = "aarch64-linux-gnu", cpu = "cortex-a76"/;s/ROW/aarch64_dotprod_1x4x4_s8s8s32/' %s | nibble-opt --lower-kernels | FileCheck %s --check-prefix=ALONE

#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 64, k = 64, nr = 16, kr = 4, bias = 0>

module attributes {mpgemm.target = #mpgemm.target<CPU, features = "">} {
func.func @product(%w: memref<4352xi8>, %x: memref<4x64xi8>, %s: memref<4x2xf32>, %sums: memref<4x2xi32>, %y: memref<4x64xf32>, %n: index, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x, %s, %sums) rows %n into %y {row = "ROW", layout = #l}
    : (memref<4352xi8>, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>, index, memref<4x64xf32>) -> ()
  return
}
}

// AHEAD: func.func private @mma_
// AHEAD: %[[NEXT:.*]] = llvm.getelementptr %{{.*}}[%c1088_{{.*}}]
// AHEAD-NEXT: "llvm.intr.prefetch"(%[[NEXT]])
// AHEAD: %[[LATER:.*]] = llvm.getelementptr %{{.*}}[%c2048_{{.*}}]
// AHEAD-NEXT: "llvm.intr.prefetch"(%[[LATER]])

// ALONE: func.func private @mma_
// ALONE-NOT: llvm.intr.prefetch
