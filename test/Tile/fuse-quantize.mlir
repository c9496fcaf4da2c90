// What only a quantization reads is quantized while it is computed.
// RUN: nibble-opt --mpgemm-fuse-quantize %s | FileCheck %s

#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>
!w = tensor<1088xi8, #l>
!x = tensor<4x64xf32>
!c = tensor<4x64xi8>
!s = tensor<4x2xf32>
!t = tensor<4x2xi32>

// CHECK-LABEL: @norms
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x64xf32>, %[[W:[^:]*]]: tensor<64xf32>, %[[N:[^:]*]]: index
// CHECK-NEXT: mpgemm.norm_quantize %[[X]], %[[W]], %[[N]] {epsilon = 1.000000e-05 : f64, group = 32 : i64, sum_group = 32 : i64}
// CHECK-NEXT: mpgemm.norm_quantize %[[X]], %[[W]] bias %[[W]], %[[N]] {centred, epsilon = {{[^ ]*}} : f64, group = 64 : i64, sum_group = 32 : i64}
// CHECK-NEXT: return
func.func @norms(%x: !x, %w: tensor<64xf32>, %n: index) -> (!c, !c) {
  %0 = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  %1:3 = mpgemm.quantize %0, %n {group = 32 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, !s, !t)
  %2 = lm.layer_norm %x, %w bias %w, %n {epsilon = 1.0e-06 : f64} : (!x, tensor<64xf32>, tensor<64xf32>, index) -> !x
  %3:3 = mpgemm.quantize %2, %n {group = 64 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, tensor<4x1xf32>, !t)
  return %1#0, %3#0 : !c, !c
}

// CHECK-LABEL: @glu
// CHECK-NEXT: mpgemm.glu_quantize %{{.*}}, %{{.*}}, %{{.*}} {activation = #lm.activation<silu>, group = 32 : i64, sum_group = 32 : i64}
// CHECK-NEXT: return
func.func @glu(%x: !x, %y: !x, %n: index) -> !c {
  %0 = lm.glu %x, %y, %n {activation = #lm.activation<silu>} : (!x, !x, index) -> !x
  %1:3 = mpgemm.quantize %0, %n {group = 32 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, !s, !t)
  return %1#0 : !c
}

// Not where the rows have another reader, another count, heads or a residual, and no gated unit with a scale a row.
// CHECK-LABEL: @not
// CHECK-COUNT-5: mpgemm.quantize
// CHECK-NOT: _quantize
func.func @not(%x: !x, %w: tensor<64xf32>, %h: tensor<32xf32>, %n: index, %m: index) -> (!x, !c, !c, !c, !c, !c) {
  %0 = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  %1:3 = mpgemm.quantize %0, %n {group = 32 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, !s, !t)
  %2 = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  %3:3 = mpgemm.quantize %2, %m {group = 32 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, !s, !t)
  %4 = lm.rms_norm %x, %h, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<32xf32>, index) -> !x
  %5:3 = mpgemm.quantize %4, %n {group = 32 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, !s, !t)
  %6 = lm.rms_norm %x, %w, %n residual %x {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index, !x) -> !x
  %7:3 = mpgemm.quantize %6, %n {group = 32 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, !s, !t)
  %8 = lm.glu %x, %x, %n {activation = #lm.activation<relu2>} : (!x, !x, index) -> !x
  %9:3 = mpgemm.quantize %8, %n {group = 64 : i64, sum_group = 32 : i64} : (!x, index) -> (!c, tensor<4x1xf32>, !t)
  return %0, %1#0, %3#0, %5#0, %7#0, %9#0 : !x, !c, !c, !c, !c, !c
}

// Of a single narrow row that products read, each thread makes the codes for itself; not of a wide one, and not where
// tables are made of them.
!r = tensor<1x64xf32>
// CHECK-LABEL: @row
// CHECK: mpgemm.norm_quantize {{.*}}, replicated, sum_group
// CHECK: mpgemm.mma
// CHECK: mpgemm.norm_quantize
// CHECK-NOT: replicated
// CHECK: mpgemm.lut_build
// CHECK: mpgemm.norm_quantize
// CHECK-NOT: replicated
// CHECK: return
func.func @row(%x: !r, %w: tensor<64xf32>, %p: !w, %wide: tensor<1x2048xf32>, %v: tensor<2048xf32>, %n: index) {
  %0 = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (!r, tensor<64xf32>, index) -> !r
  %c, %s, %t = mpgemm.quantize %0, %n {group = 32 : i64, sum_group = 32 : i64} : (!r, index) -> (tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>)
  %y = mpgemm.mma %p, (%c, %s, %t) rows %n {row = "r", layout = #l}
    : (!w, tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>, index) -> tensor<1x16xf32>
  %1 = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64} : (!r, tensor<64xf32>, index) -> !r
  %d, %u, %e = mpgemm.quantize %1, %n {group = 32 : i64, sum_group = 32 : i64} : (!r, index) -> (tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>)
  %f, %b = mpgemm.lut_build %d, %n {sum_group = 32 : i64} : (tensor<1x64xi8>, index) -> (tensor<1x512xi8>, tensor<1x2xi32>)
  %2 = lm.rms_norm %wide, %v, %n {epsilon = 1.0e-05 : f64} : (tensor<1x2048xf32>, tensor<2048xf32>, index) -> tensor<1x2048xf32>
  %g, %h, %i = mpgemm.quantize %2, %n {group = 32 : i64, sum_group = 32 : i64}
    : (tensor<1x2048xf32>, index) -> (tensor<1x2048xi8>, tensor<1x64xf32>, tensor<1x64xi32>)
  return
}
