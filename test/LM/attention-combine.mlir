// Joining the records of attention survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
func.func @value(%p: tensor<2x4x18xf32>, %pos: index) {
  // CHECK: lm.attention_combine %{{.*}} at %{{.*}} {rotated, window = 100 : i64} : (tensor<2x4x18xf32>, index) -> tensor<1x64xf32>
  %y = lm.attention_combine %p at %pos {window = 100 : i64, rotated} : (tensor<2x4x18xf32>, index) -> tensor<1x64xf32>
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%r: memref<2x4x18xf32>, %y: memref<1x64xf32>, %pos: index) {
  // CHECK: lm.attention_combine %{{.*}} at %{{.*}} into %{{.*}} : (memref<2x4x18xf32>, index, memref<1x64xf32>) -> ()
  lm.attention_combine %r at %pos into %y : (memref<2x4x18xf32>, index, memref<1x64xf32>) -> ()
  return
}
