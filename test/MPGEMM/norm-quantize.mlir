// A norm and its quantization in one survive a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[W:[^:]*]]: tensor<64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // CHECK: mpgemm.norm_quantize %[[X]], %[[W]] bias %[[W]], %[[N]] {centred, epsilon = 1.000000e-05 : f64, group = 32 : i64, sum_group = 16 : i64}
  %c, %s, %t = mpgemm.norm_quantize %x, %w bias %w, %n {centred, epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 16 : i64}
    : (tensor<4x64xf32>, tensor<64xf32>, tensor<64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>)
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%x: memref<1x64xf32>, %w: memref<64xf16>, %c: memref<1x64xi8>, %s: memref<1x2xf32>, %t: memref<1x2xi32>, %n: index) {
  // CHECK: mpgemm.norm_quantize %{{.*}}, %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64, group = 32 : i64, {{.*}}replicated, sum_group = 32 : i64} : ({{.*}}) -> ()
  mpgemm.norm_quantize %x, %w, %n into %c, %s, %t {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64, replicated}
    : (memref<1x64xf32>, memref<64xf16>, index, memref<1x64xi8>, memref<1x2xf32>, memref<1x2xi32>) -> ()
  return
}
