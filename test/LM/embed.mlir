// An embedding survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has a result.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[T:[^:]*]]: tensor<4xi32>, %[[E:[^:]*]]: tensor<512x64xf16>, %[[N:[^:]*]]: index)
func.func @value(%t: tensor<4xi32>, %e: tensor<512x64xf16>, %n: index) {
  // CHECK: lm.embed %[[T]], %[[E]], %[[N]] : (tensor<4xi32>, tensor<512x64xf16>, index) -> tensor<4x64xf32>
  %0 = lm.embed %t, %e, %n : (tensor<4xi32>, tensor<512x64xf16>, index) -> tensor<4x64xf32>
  // CHECK: lm.embed %[[T]], %[[E]], %[[N]] {scale = 8.000000e+00 : f64}
  %1 = lm.embed %t, %e, %n {scale = 8.0 : f64} : (tensor<4xi32>, tensor<512x64xf16>, index) -> tensor<4x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result; its table may be bytes of a named layout.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[T:[^:]*]]: memref<4xi32>, %[[E:[^:]*]]: memref<65536xi8>, %[[Y:[^:]*]]: memref<4x64xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%t: memref<4xi32>, %e: memref<65536xi8>, %y: memref<4x64xf32>, %n: index) {
  // CHECK: lm.embed %[[T]], %[[E]], %[[N]] into %[[Y]] {layout = "any"} : (memref<4xi32>, memref<65536xi8>, index, memref<4x64xf32>) -> ()
  lm.embed %t, %e, %n into %y {layout = "any"} : (memref<4xi32>, memref<65536xi8>, index, memref<4x64xf32>) -> ()
  return
}
