// Columns in the order of the chosen expert survive a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<2x64xf32>, %[[O:[^:]*]]: tensor<256xi32>, %[[C:[^:]*]]: tensor<2x2xi32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<2x64xf32>, %o: tensor<256xi32>, %c: tensor<2x2xi32>, %n: index) {
  // CHECK: lm.expert_reorder %[[X]], %[[O]], %[[C]], %[[N]] : ({{.*}}) -> tensor<4x64xf32>
  %0 = lm.expert_reorder %x, %o, %c, %n : (tensor<2x64xf32>, tensor<256xi32>, tensor<2x2xi32>, index) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @buffer
// CHECK-SAME: %[[Y:[^:]*]]: memref<4x64xf32>)
func.func @buffer(%x: memref<4x64xf32>, %o: memref<256xi32>, %c: memref<2x2xi32>, %n: index, %y: memref<4x64xf32>) {
  // CHECK: lm.expert_reorder {{.*}} into %[[Y]] : ({{.*}}) -> ()
  lm.expert_reorder %x, %o, %c, %n into %y : (memref<4x64xf32>, memref<256xi32>, memref<2x2xi32>, index, memref<4x64xf32>) -> ()
  return
}
