// A buffer has 64 rows of activations, and a call may come with four or fewer: where unpacking is cheap, a single tile
// reads the packed panel, and nothing is unpacked to memory. Codes in two planes are unpacked ahead however few come.
// RUN: sed 's/TYPE/!lowbit.block<i4, 32, f16>/;s/BYTES/2304/g' %s | nibble-opt --lower-kernels | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TYPE/!lowbit.block<i5, 32, f16>/;s/BYTES/2816/g' %s | nibble-opt --lower-kernels | FileCheck %s --check-prefix=TWO

#l = #mpgemm.layout<element = TYPE, n = 64, k = 64, nr = 16, kr = 4, bias = 0>

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @product(%w: memref<BYTESxi8>, %x: memref<64x64xi8>, %s: memref<64x2xf32>, %sums: memref<64x2xi32>, %y: memref<64x64xf32>, %n: index, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x, %s, %sums) rows %n into %y {row = "x86_avx2_1x8x4_u7s8s32", layout = #l}
    : (memref<BYTESxi8>, memref<64x64xi8>, memref<64x2xf32>, memref<64x2xi32>, index, memref<64x64xf32>) -> ()
  return
}
}

// ONE: func.func private @mma_
// ONE: %[[BLOCK:.*]] = llvm.alloca %c4608_{{.*}} x i8
// ONE: %[[MANY:.*]] = arith.cmpi slt, %c4_{{.*}}, %arg5
// ONE: scf.if %[[MANY]] {
// ONE:   llvm.getelementptr %[[BLOCK]][
// ONE: } else {
// ONE-NOT: %[[BLOCK]]{{[^0-9]}}
// ONE:   scf.for {{.*}} step %c4_
// ONE-NOT: %[[BLOCK]]{{[^0-9]}}
// ONE:   scf.for {{.*}} step %c2_
// ONE-NOT: %[[BLOCK]]{{[^0-9]}}

// TWO: func.func private @mma_
// TWO: llvm.alloca %c{{.*}} x i8
// TWO-NOT: arith.cmpi slt, %c4_
// TWO-NOT: else
