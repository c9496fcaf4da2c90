// A sum with a product that nothing else reads is done in the product's epilogue.
// RUN: nibble-opt --mpgemm-fuse-residuals %s | FileCheck %s

#l = #mpgemm.layout<element = f32, n = 16, k = 16, nr = 16, kr = 1, bias = 0>
!w = tensor<1024xi8, #l>
!x = tensor<1x16xf32>

// On either side of the addition.
// CHECK-LABEL: @sides
// CHECK-SAME: %[[W:[^:]*]]: {{.*}}, %[[X:[^:]*]]: tensor<1x16xf32>
// CHECK-NEXT: %[[A:.*]] = mpgemm.mma %[[W]], (%[[X]]) rows %{{[^ ]*}} residual %[[X]] {
// CHECK-NEXT: %[[B:.*]] = mpgemm.mma %[[W]], (%[[A]]) rows %{{[^ ]*}} residual %[[A]] {
// CHECK-NEXT: return %[[B]]
func.func @sides(%w: !w, %x: !x, %n: index) -> !x {
  %0 = mpgemm.mma %w, (%x) rows %n {row = "r", layout = #l} : (!w, !x, index) -> !x
  %1 = arith.addf %x, %0 : !x
  %2 = mpgemm.mma %w, (%1) rows %n {row = "r", layout = #l} : (!w, !x, index) -> !x
  %3 = arith.addf %2, %1 : !x
  return %3 : !x
}

// A residual that is made after the product: the product moves behind it. The bias stays.
// CHECK-LABEL: @later
// CHECK: %[[R:.*]] = lm.glu
// CHECK-NEXT: mpgemm.mma %{{.*}}, (%{{.*}}) rows %{{[^ ]*}} bias %{{[^ ]*}} residual %[[R]] {
func.func @later(%w: !w, %x: !x, %b: tensor<16xf32>, %n: index) -> !x {
  %0 = mpgemm.mma %w, (%x) rows %n bias %b {row = "r", layout = #l} : (!w, !x, index, tensor<16xf32>) -> !x
  %r = lm.glu %x, %x, %n {activation = #lm.activation<silu>} : (!x, !x, index) -> !x
  %1 = arith.addf %0, %r : !x
  return %1 : !x
}

// Of two products the first takes the second as its residual.
// CHECK-LABEL: @two
// CHECK: %[[SECOND:.*]] = mpgemm.mma %{{.*}}, (%[[Z:.*]]) rows %{{[^ ]*}} {
// CHECK-NEXT: mpgemm.mma %{{.*}} residual %[[SECOND]] {
// CHECK-NOT: arith.addf
func.func @two(%w: !w, %x: !x, %z: !x, %n: index) -> !x {
  %0 = mpgemm.mma %w, (%x) rows %n {row = "r", layout = #l} : (!w, !x, index) -> !x
  %1 = mpgemm.mma %w, (%z) rows %n {row = "r", layout = #l} : (!w, !x, index) -> !x
  %2 = arith.addf %0, %1 : !x
  return %2 : !x
}

// A product with a second reader, one that has a residual, and a sum with itself stay.
// CHECK-LABEL: @not
// CHECK-COUNT-3: arith.addf
func.func @not(%w: !w, %x: !x, %n: index) -> (!x, !x, !x, !x) {
  %0 = mpgemm.mma %w, (%x) rows %n {row = "r", layout = #l} : (!w, !x, index) -> !x
  %1 = arith.addf %0, %x : !x
  %2 = mpgemm.mma %w, (%x) rows %n residual %x {row = "r", layout = #l} : (!w, !x, index, !x) -> !x
  %3 = arith.addf %2, %x : !x
  %4 = mpgemm.mma %w, (%x) rows %n {row = "r", layout = #l} : (!w, !x, index) -> !x
  %5 = arith.addf %4, %4 : !x
  return %0, %1, %3, %5 : !x, !x, !x, !x
}

// A norm after the block takes it as a product does.
// CHECK-LABEL: @norm
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x16xf32>
// CHECK-NEXT: lm.rms_norm %[[X]], %{{[^ ]*}}, %{{[^ ]*}} residual %[[X]] {
// CHECK-NOT: arith.addf
func.func @norm(%x: !x, %w: tensor<16xf32>, %n: index) -> !x {
  %0 = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<16xf32>, index) -> !x
  %1 = arith.addf %x, %0 : !x
  return %1 : !x
}
