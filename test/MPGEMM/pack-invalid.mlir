// What packing refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @plain_bytes(%w: tensor<16x32xf32>) {
  // expected-error @below {{gives a byte tensor with an #mpgemm.layout, but the result is 'tensor<2048xi8>'}}
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @size(%w: tensor<16x32xf32>) {
  // expected-error @below {{must give 'tensor<2048xi8, #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>>', but gives 'tensor<1024xi8}}
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<1024xi8, #l>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @shape(%w: tensor<32x16xf32>) {
  // expected-error @below {{packs 'tensor<32x16xf32>' with the layout of a 16x32 matrix of 'f32'}}
  %p = mpgemm.pack %w : tensor<32x16xf32> -> tensor<2048xi8, #l>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @element(%w: tensor<16x32xf16>) {
  // expected-error @below {{packs 'tensor<16x32xf16>' with the layout of a 16x32 matrix of 'f32'}}
  %p = mpgemm.pack %w : tensor<16x32xf16> -> tensor<2048xi8, #l>
  return
}
