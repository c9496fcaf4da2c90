// Activations with a scale a row, and activations that are rounded to a float type, once for all readers.
// RUN: nibble-opt --mpgemm-tile-linears %s | FileCheck %s

!q4 = !lowbit.block<u4, 32, f16, zp = 8>
#row = #mpgemm.compute<weight = !q4, activation = !lowbit.block<i8, row, f32>, accumulator = i32, row = "generic_base_1x4x4_s8s8s32">
#half = #mpgemm.compute<weight = !q4, activation = f16, accumulator = f32, row = "generic_base_1x4x1_f32f32f32">

// CHECK-LABEL: @row
func.func @row(%x: tensor<1x64xf32>, %w: tensor<32x64x!q4>, %n: index) -> tensor<1x32xf32> {
  // CHECK: %[[Q:.*]]:3 = mpgemm.quantize %{{.*}} {group = 64 : i64, sum_group = 32 : i64} : (tensor<1x64xf32>, index) -> (tensor<1x64xi8>, tensor<1x1xf32>, tensor<1x2xi32>)
  // CHECK: mpgemm.mma %{{.*}}, (%[[Q]]#0, %[[Q]]#1, %[[Q]]#2)
  %y = lm.linear %x, %w rows %n {compute = #row} : (tensor<1x64xf32>, tensor<32x64x!q4>, index) -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// CHECK-LABEL: @half
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x64xf32>
func.func @half(%x: tensor<1x64xf32>, %w: tensor<32x64x!q4>, %v: tensor<32x64x!q4>, %n: index) {
  // CHECK: %[[R:.*]] = mpgemm.round %[[X]], %{{.*}} {type = f16}
  // CHECK-NOT: mpgemm.round
  // CHECK: mpgemm.mma %{{.*}}, (%[[R]])
  // CHECK: mpgemm.mma %{{.*}}, (%[[R]])
  %y = lm.linear %x, %w rows %n {compute = #half} : (tensor<1x64xf32>, tensor<32x64x!q4>, index) -> tensor<1x32xf32>
  %z = lm.linear %x, %v rows %n {compute = #half} : (tensor<1x64xf32>, tensor<32x64x!q4>, index) -> tensor<1x32xf32>
  return
}
