// What the quantization of activations refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

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

// -----
func.func @three(%x: tensor<6x64xf32>, %n: index) {
  // expected-error @below {{codes must have 64 columns, or those of 2, 4, 8, … interleaved rows, but are 'tensor<2x192xi8>'}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<6x64xf32>, index) -> (tensor<2x192xi8>, tensor<2x12xf32>, tensor<2x12xi32>)
  return
}

// -----
func.func @once(%x: tensor<6x64xf32>, %n: index) {
  // expected-error @below {{scales must be 3x8, but are 'tensor<3x4xf32>'}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<6x64xf32>, index) -> (tensor<3x128xi8>, tensor<3x4xf32>, tensor<3x8xi32>)
  return
}

// -----
func.func @joined_pairs(%x: tensor<6x64xf32>, %n: index) {
  // expected-error @below {{joins the halves of 32 columns with one scale, of rows that are not interleaved}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64, joins_halves} : (tensor<6x64xf32>, index) -> (tensor<3x128xi8>, tensor<3x8xf32>, tensor<3x8xi32>)
  return
}

// -----
func.func @joined_groups(%x: tensor<6x64xf32>, %n: index) {
  // expected-error @below {{joins the halves of 32 columns with one scale, of rows that are not interleaved}}
  %c, %s, %t = mpgemm.quantize %x, %n {group = 16 : i64, sum_group = 16 : i64, joins_halves} : (tensor<6x64xf32>, index) -> (tensor<6x64xi8>, tensor<6x4xf32>, tensor<6x4xi32>)
  return
}
