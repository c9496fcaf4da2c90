// Slices of one buffer are told apart by their columns, through any number of slices.
// RUN: nibble-opt --place-barriers %s | FileCheck %s

!b = memref<4096xi8>
!y = memref<4x64xf32>
!x = memref<4x16xf32>
!s0 = memref<4x16xf32, strided<[64, 1]>>
!s16 = memref<4x16xf32, strided<[64, 1], offset: 16>>
!half = memref<4x32xf32, strided<[64, 1], offset: 32>>
!s48 = memref<4x16xf32, strided<[64, 1], offset: 48>>

// Other columns are another place; the whole holds all of them.
// CHECK-LABEL: func.func @columns
// CHECK: lm.glu
// CHECK-NEXT: lm.glu
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: call @nibble_barrier
// CHECK-NEXT: lm.state_write
func.func @columns(%a: !b, %s: !b, %w: !b, %y: !y, %x: !x, %z: !x, %h: !y, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  %0 = memref.subview %y[0, 0] [4, 16] [1, 1] : !y to !s0
  %1 = memref.subview %y[0, 16] [4, 16] [1, 1] : !y to !s16
  lm.glu %x, %x, %n into %0 {activation = #lm.activation<silu>} : (!x, !x, index, !s0) -> ()
  lm.glu %1, %1, %n into %z {activation = #lm.activation<silu>} : (!s16, !s16, index, !x) -> ()
  lm.state_write %y, %n into %h : !y, !y
  return
}

// Columns 48 … 63 are the second half of the second half.
// CHECK-LABEL: func.func @nested
// CHECK: lm.glu
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: call @nibble_barrier
// CHECK-NEXT: lm.glu
// CHECK-NEXT: lm.glu
// CHECK-NEXT: return
func.func @nested(%a: !b, %s: !b, %w: !b, %y: !y, %x: !x, %z: !x, %v: !x, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  %half = memref.subview %y[0, 32] [4, 32] [1, 1] : !y to !half
  %0 = memref.subview %half[0, 16] [4, 16] [1, 1] : !half to !s48
  %1 = memref.subview %y[0, 48] [4, 16] [1, 1] : !y to !s48
  %2 = memref.subview %y[0, 0] [4, 16] [1, 1] : !y to !s0
  lm.glu %x, %x, %n into %0 {activation = #lm.activation<silu>} : (!x, !x, index, !s48) -> ()
  lm.glu %1, %1, %n into %z {activation = #lm.activation<silu>} : (!s48, !s48, index, !x) -> ()
  lm.glu %2, %2, %n into %v {activation = #lm.activation<silu>} : (!s0, !s0, index, !x) -> ()
  return
}

// Of a slice of rows nothing is known: it may be any part.
// CHECK-LABEL: func.func @rows
// CHECK: lm.glu
// CHECK: call @nibble_barrier
// CHECK-NEXT: lm.glu
func.func @rows(%a: !b, %s: !b, %w: !b, %y: !y, %x: !x, %z: memref<1x16xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  %0 = memref.subview %y[0, 0] [4, 16] [1, 1] : !y to !s0
  %1 = memref.subview %y[2, 16] [1, 16] [1, 1] : !y to memref<1x16xf32, strided<[64, 1], offset: 144>>
  lm.glu %x, %x, %n into %0 {activation = #lm.activation<silu>} : (!x, !x, index, !s0) -> ()
  lm.glu %1, %1, %n into %z {activation = #lm.activation<silu>}
    : (memref<1x16xf32, strided<[64, 1], offset: 144>>, memref<1x16xf32, strided<[64, 1], offset: 144>>, index, memref<1x16xf32>) -> ()
  return
}

// Nor do equal row counts make two slices of rows one place, whatever the partition.
// CHECK-LABEL: func.func @partition
// CHECK: lm.rms_norm
// CHECK: call @nibble_barrier
// CHECK-NEXT: lm.rms_norm
func.func @partition(%a: !b, %s: !b, %w: !b, %y: memref<4x16xf32>, %norm: memref<16xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  %0 = memref.subview %y[0, 0] [3, 16] [1, 1] : memref<4x16xf32> to memref<3x16xf32, strided<[16, 1]>>
  %1 = memref.subview %y[1, 0] [3, 16] [1, 1] : memref<4x16xf32> to memref<3x16xf32, strided<[16, 1], offset: 16>>
  lm.rms_norm %0, %norm, %n into %0 {epsilon = 1.0e-05 : f64}
    : (memref<3x16xf32, strided<[16, 1]>>, memref<16xf32>, index, memref<3x16xf32, strided<[16, 1]>>) -> ()
  lm.rms_norm %1, %norm, %n into %1 {epsilon = 1.0e-05 : f64}
    : (memref<3x16xf32, strided<[16, 1], offset: 16>>, memref<16xf32>, index, memref<3x16xf32, strided<[16, 1], offset: 16>>) -> ()
  return
}
