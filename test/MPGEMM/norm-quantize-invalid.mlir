// What the quantization of normed rows refuses beside what mpgemm.quantize does.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @weight(%x: tensor<4x64xf32>, %w: tensor<32xf32>, %n: index) {
  // expected-error @below {{weight must hold the 64 values of a row, but is 'tensor<32xf32>'}}
  %c, %s, %t = mpgemm.norm_quantize %x, %w, %n {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64}
    : (tensor<4x64xf32>, tensor<32xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}

// -----
func.func @bias(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %b: tensor<32xf32>, %n: index) {
  // expected-error @below {{bias must hold the 64 values of a row, but is 'tensor<32xf32>'}}
  %c, %s, %t = mpgemm.norm_quantize %x, %w bias %b, %n {centred, epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64}
    : (tensor<4x64xf32>, tensor<64xf32>, tensor<32xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}

// -----
func.func @centred(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{has a bias, which only the norm that is centred has}}
  %c, %s, %t = mpgemm.norm_quantize %x, %w bias %w, %n {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64}
    : (tensor<4x64xf32>, tensor<64xf32>, tensor<64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}

// -----
func.func @sums(%x: tensor<4x64xf32>, %w: tensor<64xf32>, %n: index) {
  // expected-error @below {{sums must be 4x4, but are 'tensor<4x2xi32>'}}
  %c, %s, %t = mpgemm.norm_quantize %x, %w, %n {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 16 : i64}
    : (tensor<4x64xf32>, tensor<64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
  return
}
