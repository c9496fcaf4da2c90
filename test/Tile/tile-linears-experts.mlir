// A linear of chosen experts becomes a product that reads their panels, from one weight of all; its activations are
// quantized once for all its experts.
// RUN: nibble-opt --mpgemm-tile-linears %s | FileCheck %s

!q4 = !lowbit.block<u4, 32, f16, zp = 8>
#dot = #mpgemm.compute<weight = !q4, activation = i8, accumulator = i32, row = "generic_base_1x4x4_s8s8s32">

// CHECK-LABEL: @experts
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x64xf32>, %[[G:[^:]*]]: tensor<64x64x{{.*}}>, %[[U:[^:]*]]: tensor<64x64x{{.*}}>, %[[C:[^:]*]]: tensor<2x2xi32>, %[[N:[^:]*]]: index
func.func @experts(%x: tensor<2x64xf32>, %g: tensor<64x64x!q4>, %u: tensor<64x64x!q4>, %c: tensor<2x2xi32>, %n: index) -> (tensor<4x32xf32>, tensor<4x32xf32>) {
  // CHECK: %[[Q:.*]]:3 = mpgemm.quantize %[[X]], %[[N]]
  // CHECK-NOT: mpgemm.quantize
  // CHECK: %[[P:.*]] = mpgemm.pack %[[G]]
  // CHECK: mpgemm.expert_mma %[[P]], (%[[Q]]#0, %[[Q]]#1, %[[Q]]#2), %[[C]] rows %[[N]] {experts = 2 : i64, layout = #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 64, k = 64, nr = 16, kr = 4, bias = 0>, row = "generic_base_1x4x4_s8s8s32"}
  %a = lm.expert_linear %x, %g, %c rows %n {compute = #dot, experts = 2 : i64} : (tensor<2x64xf32>, tensor<64x64x!q4>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
  // CHECK: %[[R:.*]] = mpgemm.pack %[[U]]
  // CHECK: mpgemm.expert_mma %[[R]], (%[[Q]]#0, %[[Q]]#1, %[[Q]]#2), %[[C]] rows %[[N]]
  %b = lm.expert_linear %x, %u, %c rows %n {compute = #dot, experts = 2 : i64} : (tensor<2x64xf32>, tensor<64x64x!q4>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
  return %a, %b : tensor<4x32xf32>, tensor<4x32xf32>
}
