// A linear layer survives a round trip, without and with a bias; it has a value form only.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[W:[^:]*]]: tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>, %[[B:[^:]*]]: tensor<96xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %w: tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>, %b: tensor<96xf32>, %n: index) {
  // CHECK: lm.linear %[[X]], %[[W]] rows %[[N]] {compute = "any"} :
  %0 = lm.linear %x, %w rows %n {compute = "any"}
    : (tensor<4x64xf32>, tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<4x96xf32>
  // CHECK: lm.linear %[[X]], %[[W]] bias %[[B]] rows %[[N]] :
  %1 = lm.linear %x, %w bias %b rows %n
    : (tensor<4x64xf32>, tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>, index, tensor<96xf32>) -> tensor<4x96xf32>
  return
}
