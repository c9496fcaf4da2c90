// Rounding of activations survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %n: index) -> tensor<4x64xf32> {
  // CHECK: mpgemm.round %[[X]], %[[N]] {type = f16} : (tensor<4x64xf32>, index) -> tensor<4x64xf32>
  %y = mpgemm.round %x, %n {type = f16} : (tensor<4x64xf32>, index) -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// CHECK-LABEL: @buffer
func.func @buffer(%x: memref<4x64xf32>, %y: memref<4x64xf32>, %n: index) {
  // CHECK: mpgemm.round %{{.*}}, %{{.*}} into %{{.*}} {type = bf16} : (memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  mpgemm.round %x, %n into %y {type = bf16} : (memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  return
}
