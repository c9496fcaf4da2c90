// Three bits are stored as planes of two and of one, five as four and one; a kernel puts them together again with shifts, masks
// and an or. Nothing of a code is left over: three bits take three.
// RUN: nibble-opt --lower-kernels --split-input-file %s | FileCheck %s

// 32 bytes of scales, 16 × 32 codes of three bits: planes from byte 32 and from byte 160 on.
// The last quad of a group: its lower bits are the top of a byte of the first plane, the third is brought to bit 2.
// CHECK-LABEL: func.func private @mma_generic{{.*}}u3
// CHECK: %[[LOW:.*]] = llvm.load %{{.*}} -> vector<16xi8>
// CHECK: %[[SIX:.*]] = arith.constant dense<6> : vector<16xi8>
// CHECK-NEXT: %[[DOWN:.*]] = arith.shrui %[[LOW]], %[[SIX]]
// CHECK-NEXT: %[[THREE:.*]] = arith.constant dense<3> : vector<16xi8>
// CHECK-NEXT: %[[TWO:.*]] = arith.andi %[[DOWN]], %[[THREE]]
// CHECK: %[[HIGH:.*]] = llvm.load %{{.*}} -> vector<16xi8>
// CHECK: %[[MOVED:.*]] = arith.shrui %[[HIGH]]
// CHECK: %[[FOUR:.*]] = arith.constant dense<4> : vector<16xi8>
// CHECK-NEXT: %[[ONE:.*]] = arith.andi %[[MOVED]], %[[FOUR]]
// CHECK-NEXT: arith.ori %[[TWO]], %[[ONE]]
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "x86-64", features = "">} {
func.func @three(%w: memref<224xi8>, %c: memref<1x32xi8>, %s: memref<1x1xf32>, %t: memref<1x1xi32>, %n: index, %y: memref<1x16xf32>, %tid: index, %nthreads: index) {
  mpgemm.mma %w, (%c, %s, %t) rows %n into %y {row = "generic_base_1x4x4_s8s8s32", layout = #mpgemm.layout<element = !lowbit.block<u3, 32, f16, zp = 4>, n = 16, k = 32, nr = 16, kr = 4, bias = 0>} : (memref<224xi8>, memref<1x32xi8>, memref<1x1xf32>, memref<1x1xi32>, index, memref<1x16xf32>) -> ()
  return
}
}

// -----

// Four bits of a nibble, the fifth brought to bit 4.
// CHECK-LABEL: func.func private @mma_generic{{.*}}u5
// CHECK-DAG: arith.constant dense<16> : vector<16xi8>
// CHECK-DAG: arith.ori %{{.*}}, %{{.*}} : vector<16xi8>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "x86-64", features = "">} {
func.func @five(%w: memref<352xi8>, %c: memref<1x32xi8>, %s: memref<1x1xf32>, %t: memref<1x1xi32>, %n: index, %y: memref<1x16xf32>, %tid: index, %nthreads: index) {
  mpgemm.mma %w, (%c, %s, %t) rows %n into %y {row = "generic_base_1x4x4_s8s8s32", layout = #mpgemm.layout<element = !lowbit.block<u5, 32, f16, zp = 16>, n = 16, k = 32, nr = 16, kr = 4, bias = 0>} : (memref<352xi8>, memref<1x32xi8>, memref<1x1xf32>, memref<1x1xi32>, index, memref<1x16xf32>) -> ()
  return
}
}
