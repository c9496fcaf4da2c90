// Learned positions survive a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
func.func @value(%x: tensor<4x64xf32>, %table: tensor<16x64xf32>, %types: tensor<2x64xf32>, %i: index, %n: index) {
  // CHECK: lm.add_positions %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}}, %{{.*}} : ({{.*}}) -> tensor<4x64xf32>
  %a = lm.add_positions %x, %table, %types at %i, %n : (tensor<4x64xf32>, tensor<16x64xf32>, tensor<2x64xf32>, index, index) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%x: memref<4x64xf32>, %table: memref<16x64xf32>, %types: memref<2x64xf32>, %i: index, %n: index) {
  // CHECK: lm.add_positions {{.*}} into %{{.*}} : ({{.*}}) -> ()
  lm.add_positions %x, %table, %types at %i, %n into %x : (memref<4x64xf32>, memref<16x64xf32>, memref<2x64xf32>, index, index, memref<4x64xf32>) -> ()
  return
}
