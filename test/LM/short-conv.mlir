// A short convolution survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x192xf32>, %[[W:[^:]*]]: tensor<64x3xf32>, %[[H:[^:]*]]: memref<2x32x64xf16>, %[[I:[^:]*]]: index)
func.func @value(%x: tensor<4x192xf32>, %w: tensor<64x3xf32>, %h: memref<2x32x64xf16>, %i: index) {
  // CHECK: lm.short_conv %[[X]], %[[W]], %[[H]] at(%[[I]], %[[I]], %[[I]]) : ({{.*}}) -> tensor<4x64xf32>
  %0 = lm.short_conv %x, %w, %h at (%i, %i, %i) : (tensor<4x192xf32>, tensor<64x3xf32>, memref<2x32x64xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x192xf32>, %[[W:[^:]*]]: memref<64x3xf32>, %[[H:[^:]*]]: memref<2x32x64xf32>, %[[Y:[^:]*]]: memref<4x64xf32>, %[[I:[^:]*]]: index)
func.func @buffer(%x: memref<4x192xf32>, %w: memref<64x3xf32>, %h: memref<2x32x64xf32>, %y: memref<4x64xf32>, %i: index) {
  // CHECK: lm.short_conv %[[X]], %[[W]], %[[H]] at(%[[I]], %[[I]], %[[I]]) into %[[Y]] : ({{.*}}) -> ()
  lm.short_conv %x, %w, %h at (%i, %i, %i) into %y : (memref<4x192xf32>, memref<64x3xf32>, memref<2x32x64xf32>, index, index, index, memref<4x64xf32>) -> ()
  return
}
