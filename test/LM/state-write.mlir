// Writing a state survives a round trip in both forms; the state is a buffer in each.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form takes the rows as a tensor.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[S:[^:]*]]: memref<4x64xf32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %s: memref<4x64xf32>, %n: index) {
  // CHECK: lm.state_write %[[X]], %[[N]] into %[[S]] : tensor<4x64xf32>, memref<4x64xf32>
  lm.state_write %x, %n into %s : tensor<4x64xf32>, memref<4x64xf32>
  return
}

// The buffer form takes them as a memref.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x64xf32>, %[[S:[^:]*]]: memref<4x64xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%x: memref<4x64xf32>, %s: memref<4x64xf32>, %n: index) {
  // CHECK: lm.state_write %[[X]], %[[N]] into %[[S]] : memref<4x64xf32>, memref<4x64xf32>
  lm.state_write %x, %n into %s : memref<4x64xf32>, memref<4x64xf32>
  return
}
