// Products between two barriers get counters of their own, from 0 on.
// RUN: nibble-opt --hand-out-work %s | FileCheck %s

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

// Attention claims heads and tiles of rows, or chunks of positions.
!c = memref<1x1x256x16xf16>
// CHECK-LABEL: func.func @attention
// CHECK: mpgemm.mma {{.*}}slot = 0 : i64
// CHECK: lm.attention %{{.*}}slot = 1 : i64
// CHECK: lm.attention_partials %{{.*}}slot = 2 : i64
func.func @attention(%w: !w, %x: !x, %y: !y, %q: !y, %c: !c, %z: !y, %r: memref<2x1x18xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  mpgemm.mma %w, (%x) rows %n into %y {row = "generic_base_1x4x1_f32f32f32", layout = #l} : (!w, !x, index, !y) -> ()
  lm.attention %q, %c, %c at (%n, %n, %n) into %z {heads = 1 : i64, kv_heads = 1 : i64, scale = 0.25 : f64}
    : (!y, !c, !c, index, index, index, !y) -> ()
  lm.attention_partials %q, %c, %c at (%n, %n) into %r {heads = 1 : i64, kv_heads = 1 : i64, scale = 0.25 : f64}
    : (!y, !c, !c, index, index, memref<2x1x18xf32>) -> ()
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
