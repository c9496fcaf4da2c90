// Reading a row of a state survives a round trip in both forms; the state is a buffer in each.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has a result.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[S:[^:]*]]: memref<4x64xf32>, %[[ROW:[^:]*]]: index)
func.func @value(%s: memref<4x64xf32>, %row: index) {
  // CHECK: lm.state_read %[[S]][%[[ROW]]] : (memref<4x64xf32>, index) -> tensor<1x64xf32>
  %0 = lm.state_read %s[%row] : (memref<4x64xf32>, index) -> tensor<1x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[S:[^:]*]]: memref<4x64xf32>, %[[Y:[^:]*]]: memref<1x64xf32>, %[[ROW:[^:]*]]: index)
func.func @buffer(%s: memref<4x64xf32>, %y: memref<1x64xf32>, %row: index) {
  // CHECK: lm.state_read %[[S]][%[[ROW]]] into %[[Y]] : (memref<4x64xf32>, index, memref<1x64xf32>) -> ()
  lm.state_read %s[%row] into %y : (memref<4x64xf32>, index, memref<1x64xf32>) -> ()
  return
}
