// Products between two barriers get counters of their own, from 0 on.
// RUN: nibble-opt --hand-out-panels %s | FileCheck %s

#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
!w = memref<2048xi8>
!x = memref<1x32xf32>
!y = memref<1x16xf32>

func.func private @nibble_barrier(!llvm.ptr, i32)

// CHECK-LABEL: func.func @barriers
// CHECK: mpgemm.mma {{.*}} into %[[Y:[^ ]*]] {{.*}}slot = 0 : i64
// CHECK: mpgemm.mma {{.*}}slot = 1 : i64
// CHECK: call @nibble_barrier
// CHECK: mpgemm.mma {{.*}}slot = 0 : i64
func.func @barriers(%w: !w, %x: !x, %y: !y, %z: !y, %n: index, %id: i32, %team: !llvm.ptr, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %z {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  func.call @nibble_barrier(%team, %id) : (!llvm.ptr, i32) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  return
}

// The runtime has eight counters; a ninth product is cut into equal shares.
// CHECK-LABEL: func.func @many
// CHECK-COUNT-8: slot =
// CHECK-NOT: slot =
// CHECK: return
func.func @many(%w: !w, %x: !x, %y: !y, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  return
}
