// A barrier stands where one thread's share of an operation may touch what another thread's share of an earlier one did.
// RUN: nibble-opt --place-barriers %s | FileCheck %s

!b = memref<4096xi8>
!x = memref<4x16xf32>

// CHECK: func.func private @nibble_barrier(!llvm.ptr, i32)

// What the first writes the second reads, then what it read is written; once settled, an access is forgotten.
// CHECK-LABEL: func.func @order
// CHECK-SAME: %[[X:[^ ]*]]: memref<4x16xf32>, %[[Y:[^ ]*]]: memref<4x16xf32>, %[[Z:[^ ]*]]: memref<4x16xf32>, %{{[^ ]*}}: index, %[[TEAM:[^ ]*]]: !llvm.ptr, %[[TID:[^ ]*]]: index, %{{[^ ]*}}: index)
// CHECK-NEXT: lm.glu {{.*}} into %[[Y]]
// CHECK-NEXT: %[[NUMBER:.*]] = arith.index_cast %[[TID]] : index to i32
// CHECK-NEXT: call @nibble_barrier(%[[TEAM]], %[[NUMBER]]) : (!llvm.ptr, i32) -> ()
// CHECK-NEXT: lm.glu {{.*}} into %[[Z]]
// CHECK-NEXT: lm.glu {{.*}} into %[[X]]
// CHECK: call @nibble_barrier
// CHECK-NEXT: lm.state_write %[[X]], %{{.*}} into %[[Y]]
// CHECK-NEXT: return
func.func @order(%a: !b, %s: !b, %w: !b, %x: !x, %y: !x, %z: !x, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.glu %x, %x, %n into %y {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  lm.glu %y, %y, %n into %z {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  lm.glu %y, %y, %n into %x {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  lm.state_write %x, %n into %y : !x, !x
  return
}

// Reads only, disjoint ranges of the arena, and weights, which nobody writes, need none. Neither does the end of an
// entry point: its caller waits for the team.
// CHECK-LABEL: func.func @none
// CHECK-NOT: call
// CHECK: return
func.func @none(%a: !b, %s: !b, %w: !b, %x: !x, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  %c0 = arith.constant 0 : index
  %c256 = arith.constant 256 : index
  %0 = memref.view %a[%c0][] : !b to !x
  %1 = memref.view %a[%c256][] : !b to !x
  %2 = memref.view %w[%c0][] : !b to memref<16xf32>
  lm.rms_norm %x, %2, %n into %0 {epsilon = 1.0e-05 : f64} : (!x, memref<16xf32>, index, !x) -> ()
  lm.glu %x, %x, %n into %1 {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  return
}

// Ranges that overlap in part need one, also under another shape.
// CHECK-LABEL: func.func @ranges
// CHECK: lm.glu
// CHECK: call @nibble_barrier
// CHECK: lm.glu
func.func @ranges(%a: !b, %s: !b, %w: !b, %x: !x, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  %c0 = arith.constant 0 : index
  %c192 = arith.constant 192 : index
  %0 = memref.view %a[%c0][] : !b to !x
  %1 = memref.view %a[%c192][] : !b to memref<1x16xf32>
  lm.glu %x, %x, %n into %0 {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  lm.glu %1, %1, %n into %1 {activation = #lm.activation<silu>} : (memref<1x16xf32>, memref<1x16xf32>, index, memref<1x16xf32>) -> ()
  return
}

// Operations that split the rows of one buffer alike need none between them.
// CHECK-LABEL: func.func @partition
// CHECK: lm.rms_norm
// CHECK-NEXT: lm.rms_norm
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: call @nibble_barrier
// CHECK-NEXT: lm.glu
func.func @partition(%a: !b, %s: !b, %w: !b, %x: !x, %y: !x, %norm: memref<16xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.rms_norm %x, %norm, %n into %y {epsilon = 1.0e-05 : f64} : (!x, memref<16xf32>, index, !x) -> ()
  lm.rms_norm %y, %norm, %n into %y {epsilon = 1.0e-05 : f64} : (!x, memref<16xf32>, index, !x) -> ()
  lm.glu %y, %y, %n into %x {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  return
}

// A callee starts with everything settled, and settles what it did before it returns.
// CHECK-LABEL: func.func private @layer
// CHECK: lm.glu
// CHECK: call @nibble_barrier
// CHECK-NEXT: return
func.func private @layer(%a: !b, %s: !b, %w: !b, %x: !x, %y: !x, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.glu %x, %x, %n into %y {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  return
}
// CHECK-LABEL: func.func @caller
// CHECK: lm.glu
// CHECK: call @nibble_barrier
// CHECK-NEXT: call @layer
// CHECK-NEXT: call @layer
// CHECK-NEXT: lm.glu
// CHECK-NEXT: return
func.func @caller(%a: !b, %s: !b, %w: !b, %x: !x, %y: !x, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.glu %x, %x, %n into %y {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  call @layer(%a, %s, %w, %y, %x, %n, %team, %tid, %nt) : (!b, !b, !b, !x, !x, index, !llvm.ptr, index, index) -> ()
  call @layer(%a, %s, %w, %x, %y, %n, %team, %tid, %nt) : (!b, !b, !b, !x, !x, index, !llvm.ptr, index, index) -> ()
  lm.glu %y, %y, %n into %x {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  return
}

// A single row that is normed is shared by its columns, as its quantization is: nothing lies between them. What wrote the
// row before must be there as a whole, and what writes it afterwards waits.
// CHECK-LABEL: func.func @norm
// CHECK: lm.glu
// CHECK: call @nibble_barrier
// CHECK-NEXT: lm.rms_norm
// CHECK-NEXT: mpgemm.quantize
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: call @nibble_barrier
// CHECK-NEXT: lm.glu
func.func @norm(%a: !b, %s: !b, %w: !b, %x: memref<1x64xf32>, %y: memref<1x64xf32>, %norm: memref<64xf32>, %c: memref<1x64xi8>,
                %d: memref<1x2xf32>, %e: memref<1x2xi32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.glu %x, %x, %n into %x {activation = #lm.activation<silu>} : (memref<1x64xf32>, memref<1x64xf32>, index, memref<1x64xf32>) -> ()
  lm.rms_norm %x, %norm, %n into %y {epsilon = 1.0e-05 : f64} : (memref<1x64xf32>, memref<64xf32>, index, memref<1x64xf32>) -> ()
  mpgemm.quantize %y, %n into %c, %d, %e {group = 32 : i64, sum_group = 32 : i64}
    : (memref<1x64xf32>, index, memref<1x64xi8>, memref<1x2xf32>, memref<1x2xi32>) -> ()
  lm.glu %x, %x, %n into %x {activation = #lm.activation<silu>} : (memref<1x64xf32>, memref<1x64xf32>, index, memref<1x64xf32>) -> ()
  return
}
