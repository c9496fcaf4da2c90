// What quantize, pack and mma refuse.
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

// -----
func.func @two(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{gives codes, scales and sums, but has 2 of them}}
  %c, %s = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>)
  return
}

// -----
func.func @vector(%x: tensor<64xf32>, %n: index) {
  // expected-error @below {{takes a matrix, but x is 'tensor<64xf32>'}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<64xf32>, index) -> (tensor<64xi8>, tensor<2xf32>, tensor<2xi32>)
  return
}

// -----
func.func @groups(%x: tensor<4x48xf32>, %n: index) {
  // expected-error @below {{the groups (32 and 16) must divide the width 48}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 16 : i64} : (tensor<4x48xf32>, index) -> (tensor<4x48xi8>, tensor<4x1xf32>, tensor<4x3xi32>)
  return
}

// -----
func.func @no_group(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{the groups (32 and 0) must divide the width 64}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 0 : i64} : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>)
  return
}

// -----
func.func @sums(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{sums must be 4x4, but are 'tensor<4x2xi32>'}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 16 : i64} : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}

// -----
func.func @form(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{needs a result (value form) or `into` buffers (buffer form)}}
  mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<4x64xf32>, index) -> ()
  return
}
