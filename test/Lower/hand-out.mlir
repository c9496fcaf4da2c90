// A product with a slot: fixed shares first, then claims until the counter is used up.
// RUN: nibble-opt --lower-kernels %s | FileCheck %s

#l = #mpgemm.layout<element = f32, n = 64, k = 32, nr = 16, kr = 1, bias = 0>

// CHECK: func.func private @nibble_claim(!llvm.ptr, i32, i32, i64) -> i64
// CHECK-LABEL: func.func @product
// CHECK-SAME: %[[TEAM:[^ ]*]]: !llvm.ptr
// CHECK: %[[SLOT:.*]] = arith.constant 3 : index
// CHECK: call @[[KERNEL:mma_.*_claimed]]({{.*}}%[[TEAM]], {{.*}})
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @product(%w: memref<8192xi8>, %x: memref<64x32xf32>, %y: memref<64x64xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l, slot = 3 : i64}
    : (memref<8192xi8>, memref<64x32xf32>, index, memref<64x64xf32>) -> ()
  return
}
// CHECK: call @[[ATTENTION:attention_.*_claimed]]({{.*}}%{{.*}}, {{.*}})
func.func @attention(%q: memref<4x16xf32>, %c: memref<1x1x256x16xf16>, %y: memref<4x16xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.attention %q, %c, %c at (%n, %n, %n) into %y {heads = 1 : i64, kv_heads = 1 : i64, scale = 0.25 : f64, slot = 0 : i64}
    : (memref<4x16xf32>, memref<1x1x256x16xf16>, memref<1x1x256x16xf16>, index, index, index, memref<4x16xf32>) -> ()
  return
}
}

// One thread after the other claims what is beyond the fixed half, until a claim is too large.
// CHECK: func.func private @[[KERNEL]]
// CHECK: %[[MANY:.*]] = arith.cmpi sge, %{{.*}}, %c32
// CHECK: %[[FIXED:.*]] = arith.select %[[MANY]], %c2_i64{{.*}}, %c4_i64
// CHECK: scf.while
// CHECK: scf.for
// CHECK: %[[NUMBER:.*]] = func.call @nibble_claim
// CHECK: %[[PIECES:.*]] = arith.muli %[[NUMBER]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[FIXED]], %[[PIECES]]
// CHECK: arith.cmpi slt, %[[NEXT]]
// CHECK: scf.condition

// Of attention all is claimed; a thread stops at the first number that is too large.
// CHECK: func.func private @[[ATTENTION]]
// CHECK: %[[FIRST:.*]] = call @nibble_claim
// CHECK: scf.while (%[[ITEM:.*]] = %[[FIRST]])
// CHECK: %[[IS:.*]] = arith.cmpi slt, %[[ITEM]]
// CHECK: scf.if %[[IS]]
// CHECK: func.call @nibble_claim
// CHECK: scf.condition
