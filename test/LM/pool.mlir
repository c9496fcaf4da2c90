// One vector of all rows survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
func.func @value(%x: tensor<4x64xf32>, %n: index) {
  // CHECK: lm.pool %{{.*}}, %{{.*}} {normalize, pooling = #lm.pooling<mean>} : (tensor<4x64xf32>, index) -> tensor<1x64xf32>
  %y = lm.pool %x, %n {pooling = #lm.pooling<mean>, normalize} : (tensor<4x64xf32>, index) -> tensor<1x64xf32>
  // CHECK: lm.pool %{{.*}}, %{{.*}} {pooling = #lm.pooling<first>}
  %z = lm.pool %x, %n {pooling = #lm.pooling<first>} : (tensor<4x64xf32>, index) -> tensor<1x64xf32>
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%x: memref<4x64xf32>, %y: memref<1x64xf32>, %n: index) {
  // CHECK: lm.pool {{.*}} into %{{.*}} {pooling = #lm.pooling<mean>} : ({{.*}}) -> ()
  lm.pool %x, %n into %y {pooling = #lm.pooling<mean>} : (memref<4x64xf32>, index, memref<1x64xf32>) -> ()
  return
}
