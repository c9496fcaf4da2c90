// What a short convolution refuses; its two forms are in team-op-invalid.mlir.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @rows(%x: tensor<4x128xf32>, %w: tensor<64x3xf32>, %h: memref<2x32x64xf16>, %i: index) {
  // expected-error @below {{takes rows of 3 x 64 values to rows of 64, but bcx is 'tensor<4x128xf32>' and the result 'tensor<4x64xf32>'}}
  %0 = lm.short_conv %x, %w, %h at (%i, %i, %i) : (tensor<4x128xf32>, tensor<64x3xf32>, memref<2x32x64xf16>, index, index, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @history(%x: tensor<4x192xf32>, %w: tensor<64x3xf32>, %h: memref<2x32x32xf16>, %i: index) {
  // expected-error @below {{history must hold 64 channels, but is 'memref<2x32x32xf16>'}}
  %0 = lm.short_conv %x, %w, %h at (%i, %i, %i) : (tensor<4x192xf32>, tensor<64x3xf32>, memref<2x32x32xf16>, index, index, index) -> tensor<4x64xf32>
  return
}
