// The quantization of activations survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has three results: codes, scales and sums, which may have smaller groups.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %n: index) {
  // CHECK: %{{.*}}:3 = mpgemm.quantize %[[X]], %[[N]] {group = 32 : i64, sum_group = 16 : i64} : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>)
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 16 : i64}
    : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>)
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x64xf32>, %[[C:[^:]*]]: memref<4x64xi8>, %[[S:[^:]*]]: memref<4x2xf32>, %[[T:[^:]*]]: memref<4x2xi32>, %[[N:[^:]*]]: index)
func.func @buffer(%x: memref<4x64xf32>, %c: memref<4x64xi8>, %s: memref<4x2xf32>, %t: memref<4x2xi32>, %n: index) {
  // CHECK: mpgemm.quantize %[[X]], %[[N]] into %[[C]], %[[S]], %[[T]] {group = 32 : i64, sum_group = 32 : i64} : (memref<4x64xf32>, index, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>) -> ()
  mpgemm.quantize %x, %n into %c, %s, %t {group = 32 : i64, sum_group = 32 : i64}
    : (memref<4x64xf32>, index, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>) -> ()
  return
}

// Five rows in blocks of four: their codes, and two of each scale and sum.
// CHECK-LABEL: @interleaved
func.func @interleaved(%x: tensor<5x64xf32>, %n: index) {
  // CHECK: mpgemm.quantize {{.*}} : (tensor<5x64xf32>, index) -> (tensor<2x256xi8>, tensor<2x16xf32>, tensor<2x32xi32>)
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 16 : i64}
    : (tensor<5x64xf32>, index) -> (tensor<2x256xi8>, tensor<2x16xf32>, tensor<2x32xi32>)
  return
}

// Halves of 32 columns side by side, for a product that reads them so.
// CHECK-LABEL: @joined
func.func @joined(%x: tensor<5x64xf32>, %n: index) {
  // CHECK: mpgemm.quantize %{{.*}} {group = 32 : i64, joins_halves, sum_group = 16 : i64} : (tensor<5x64xf32>, index) -> (tensor<5x64xi8>, tensor<5x2xf32>, tensor<5x4xi32>)
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 16 : i64, joins_halves}
    : (tensor<5x64xf32>, index) -> (tensor<5x64xi8>, tensor<5x2xf32>, tensor<5x4xi32>)
  return
}
