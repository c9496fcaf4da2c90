// A CPU whose own prefetching follows ascending addresses: of records of several units (here the codes of six bits in two
// planes, eight units of 832 bytes behind 128 bytes of floats) a unit's 13 lines are asked for, one after the other, before any of it is
// read, and so are the lines of a record of one unit in two planes. Records of one unit in one plane are read in order anyway.
// A tile of four rows fetches a record's 11 lines 8192 bytes ahead, into the second level, and its rows alone in order.
// RUN: split-file %s %t
// RUN: nibble-opt --lower-kernels %t/units.mlir | FileCheck %t/units.mlir
// RUN: nibble-opt --lower-kernels %t/tile.mlir | FileCheck %t/tile.mlir
// RUN: nibble-opt --lower-kernels %t/single.mlir | FileCheck %t/single.mlir

//--- units.mlir
#l = #mpgemm.layout<element = !lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>, n = 32, k = 256, nr = 32, kr = 4, bias = 0>

// CHECK: func.func private @mma_
// CHECK-NOT: llvm.intr.prefetch
// CHECK: scf.for
// CHECK: %[[UNIT:.*]] = llvm.getelementptr %{{.*}}[%{{.*}}]
// CHECK: "llvm.intr.prefetch"
// CHECK-COUNT-12: "llvm.intr.prefetch"
// CHECK-NOT: llvm.intr.prefetch
// CHECK: llvm.inline_asm has_side_effects {{.*}}"=r,0"
// CHECK: vector<64xi8>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver4", features = "">} {
func.func @product(%w: memref<6720xi8>, %x: memref<1x256xi8>, %s: memref<1x8xf32>, %sums: memref<1x16xi32>, %y: memref<1x32xf32>, %n: index, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x, %s, %sums) rows %n into %y {row = "x86_avx512vnni_1x16x4_u8s8s32", layout = #l}
    : (memref<6720xi8>, memref<1x256xi8>, memref<1x8xf32>, memref<1x16xi32>, index, memref<1x32xf32>) -> ()
  return
}
}

//--- tile.mlir
#l = #mpgemm.layout<element = !lowbit.block<u5, 32, f16, zp = 16>, n = 64, k = 32, nr = 32, kr = 4, bias = 0>

// CHECK: func.func private @mma_
// CHECK: %[[AHEAD:.*]] = llvm.getelementptr %{{.*}}[%c8192_{{.*}}]
// CHECK-NEXT: "llvm.intr.prefetch"(%[[AHEAD]]) <{cache = 1 : i32, hint = 2 : i32
// CHECK-COUNT-10: "llvm.intr.prefetch"{{.*}}hint = 2
// CHECK-NOT: llvm.intr.prefetch
// CHECK: vector<64xi8>
// CHECK-COUNT-11: "llvm.intr.prefetch"{{.*}}hint = 2
// CHECK-COUNT-11: "llvm.intr.prefetch"{{.*}}hint = 3
// CHECK-NOT: llvm.intr.prefetch
// CHECK: llvm.inline_asm has_side_effects {{.*}}"=r,0"
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver4", features = "">} {
func.func @product(%w: memref<1408xi8>, %x: memref<4x32xi8>, %s: memref<4x1xf32>, %sums: memref<4x1xi32>, %y: memref<4x64xf32>, %n: index, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x, %s, %sums) rows %n into %y {row = "x86_avx512vnni_1x16x4_u8s8s32", layout = #l}
    : (memref<1408xi8>, memref<4x32xi8>, memref<4x1xf32>, memref<4x1xi32>, index, memref<4x64xf32>) -> ()
  return
}
}

//--- single.mlir
#l = #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 32, k = 64, nr = 32, kr = 4, bias = 0>

// CHECK: func.func private @mma_
// CHECK-NOT: llvm.intr.prefetch
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver4", features = "">} {
func.func @product(%w: memref<1152xi8>, %x: memref<1x64xi8>, %s: memref<1x2xf32>, %sums: memref<1x2xi32>, %y: memref<1x32xf32>, %n: index, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x, %s, %sums) rows %n into %y {row = "x86_avx512vnni_1x16x4_u8s8s32", layout = #l}
    : (memref<1152xi8>, memref<1x64xi8>, memref<1x2xf32>, memref<1x2xi32>, index, memref<1x32xf32>) -> ()
  return
}
}
