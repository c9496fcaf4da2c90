// The sum of experts survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
func.func @value(%x: tensor<4x64xf32>, %b: tensor<8x64xf32>, %w: tensor<4x2xf32>, %g: tensor<4x1xf32>, %n: index) {
  // CHECK: %[[Y:.*]] = lm.expert_sum %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4x64xf32>, tensor<8x64xf32>, tensor<4x2xf32>, index) -> tensor<4x64xf32>
  %y = lm.expert_sum %x, %b, %w, %n : (tensor<4x64xf32>, tensor<8x64xf32>, tensor<4x2xf32>, index) -> tensor<4x64xf32>
  // CHECK: lm.expert_sum %[[Y]], %{{.*}}, %{{.*}}, %{{.*}} {sigmoid}
  %z = lm.expert_sum %y, %x, %g, %n {sigmoid} : (tensor<4x64xf32>, tensor<4x64xf32>, tensor<4x1xf32>, index) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @buffer
func.func @buffer(%x: memref<4x64xf32>, %b: memref<8x64xf32>, %w: memref<4x2xf32>, %n: index) {
  // CHECK: lm.expert_sum %[[X:.*]], %{{.*}}, %{{.*}}, %{{.*}} into %[[X]] : ({{.*}}) -> ()
  lm.expert_sum %x, %b, %w, %n into %x : (memref<4x64xf32>, memref<8x64xf32>, memref<4x2xf32>, index, memref<4x64xf32>) -> ()
  return
}
