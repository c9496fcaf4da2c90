// Linears of chosen experts survive a round trip: with several experts for each row of x, and with one.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<2x64xf32>, %[[W:[^:]*]]: tensor<128x64xf32>, %[[V:[^:]*]]: tensor<256x32xf32>, %[[C:[^:]*]]: tensor<2x2xi32>, %[[N:[^:]*]]: index, %[[M:[^:]*]]: index)
func.func @value(%x: tensor<2x64xf32>, %w: tensor<128x64xf32>, %v: tensor<256x32xf32>, %c: tensor<2x2xi32>, %n: index, %m: index) {
  // CHECK: %[[Y:.*]] = lm.expert_linear %[[X]], %[[W]], %[[C]] rows %[[N]] {experts = 4 : i64}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 4 : i64} : (tensor<2x64xf32>, tensor<128x64xf32>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
  // CHECK: lm.expert_linear %[[Y]], %[[V]], %[[C]] rows %[[M]] {experts = 4 : i64}
  %z = lm.expert_linear %y, %v, %c rows %m {experts = 4 : i64} : (tensor<4x32xf32>, tensor<256x32xf32>, tensor<2x2xi32>, index) -> tensor<4x64xf32>
  return
}
