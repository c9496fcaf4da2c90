// What a product refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @unpacked(%w: tensor<16x32xf32>, %x: tensor<4x32xf32>, %n: index) {
  // expected-error @below {{the weight must be 'tensor<2048xi8, #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>>', but is 'tensor<16x32xf32>'}}
  %y = mpgemm.mma %w, (%x) rows %n {row = "r", layout = #l} : (tensor<16x32xf32>, tensor<4x32xf32>, index) -> tensor<4x16xf32>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @short(%w: memref<2000xi8>, %x: memref<4x32xf32>, %y: memref<4x16xf32>, %n: index) {
  // expected-error @below {{the weight must hold 2048 bytes}}
  mpgemm.mma %w, (%x) rows %n into %y {row = "r", layout = #l} : (memref<2000xi8>, memref<4x32xf32>, index, memref<4x16xf32>) -> ()
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @two(%w: tensor<2048xi8, #l>, %x: tensor<4x32xf32>, %n: index) {
  // expected-error @below {{takes one f32 matrix, or codes, scales and sums}}
  %y = mpgemm.mma %w, (%x, %x) rows %n {row = "r", layout = #l} : (tensor<2048xi8, #l>, tensor<4x32xf32>, tensor<4x32xf32>, index) -> tensor<4x16xf32>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @columns(%w: tensor<2048xi8, #l>, %x: tensor<4x16xf32>, %n: index) {
  // expected-error @below {{activations must be 4 rows of 32 columns, but are 'tensor<4x16xf32>'}}
  %y = mpgemm.mma %w, (%x) rows %n {row = "r", layout = #l} : (tensor<2048xi8, #l>, tensor<4x16xf32>, index) -> tensor<4x16xf32>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @result(%w: tensor<2048xi8, #l>, %x: tensor<4x32xf32>, %n: index) {
  // expected-error @below {{result must have 16 columns, but is 'tensor<4x32xf32>'}}
  %y = mpgemm.mma %w, (%x) rows %n {row = "r", layout = #l} : (tensor<2048xi8, #l>, tensor<4x32xf32>, index) -> tensor<4x32xf32>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @bias(%w: tensor<2048xi8, #l>, %x: tensor<4x32xf32>, %b: tensor<32xf32>, %n: index) {
  // expected-error @below {{bias must hold 16 values, but is 'tensor<32xf32>'}}
  %y = mpgemm.mma %w, (%x) rows %n bias %b {row = "r", layout = #l} : (tensor<2048xi8, #l>, tensor<4x32xf32>, index, tensor<32xf32>) -> tensor<4x16xf32>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @residual(%w: tensor<2048xi8, #l>, %x: tensor<4x32xf32>, %r: tensor<1x16xf32>, %n: index) {
  // expected-error @below {{the residual must have the shape of the result}}
  %y = mpgemm.mma %w, (%x) rows %n residual %r {row = "r", layout = #l} : (tensor<2048xi8, #l>, tensor<4x32xf32>, index, tensor<1x16xf32>) -> tensor<4x16xf32>
  return
}

// -----
// Five rows are two blocks of four interleaved rows, not one.
#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 8, bias = 0>
func.func @blocks(%w: tensor<1088xi8, #l>, %c: tensor<1x256xi8>, %s: tensor<1x16xf32>, %t: tensor<1x16xi32>, %n: index) {
  // expected-error @below {{activations must be 5 rows of 64 columns, but are 'tensor<1x256xi8>'}}
  %y = mpgemm.mma %w, (%c, %s, %t) rows %n {row = "r", layout = #l} : (tensor<1088xi8, #l>, tensor<1x256xi8>, tensor<1x16xf32>, tensor<1x16xi32>, index) -> tensor<5x16xf32>
  return
}

// -----
// Rows alone have a number for each group; 64 columns are no three groups.
#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>
func.func @scales(%w: tensor<1088xi8, #l>, %c: tensor<5x64xi8>, %s: tensor<5x3xf32>, %t: tensor<5x2xi32>, %n: index) {
  // expected-error @below {{scales must be 5 rows with a number for each group of the 64 columns, but are 'tensor<5x3xf32>'}}
  %y = mpgemm.mma %w, (%c, %s, %t) rows %n {row = "r", layout = #l} : (tensor<1088xi8, #l>, tensor<5x64xi8>, tensor<5x3xf32>, tensor<5x2xi32>, index) -> tensor<5x16xf32>
  return
}

// -----
// A row is missing.
#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>
func.func @sums(%w: tensor<1088xi8, #l>, %c: tensor<5x64xi8>, %s: tensor<5x2xf32>, %t: tensor<4x2xi32>, %n: index) {
  // expected-error @below {{sums must be 5 rows with a number for each group of the 64 columns, but are 'tensor<4x2xi32>'}}
  %y = mpgemm.mma %w, (%c, %s, %t) rows %n {row = "r", layout = #l} : (tensor<1088xi8, #l>, tensor<5x64xi8>, tensor<5x2xf32>, tensor<4x2xi32>, index) -> tensor<5x16xf32>
  return
}

// -----
// Interleaved rows have two of each number: 16 are two groups of four rows.
#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 8, bias = 0>
func.func @interleaved(%w: tensor<1088xi8, #l>, %c: tensor<2x256xi8>, %s: tensor<2x12xf32>, %t: tensor<2x16xi32>, %n: index) {
  // expected-error @below {{scales must be 2 rows with a number for each group of the 64 columns, but are 'tensor<2x12xf32>'}}
  %y = mpgemm.mma %w, (%c, %s, %t) rows %n {row = "r", layout = #l} : (tensor<1088xi8, #l>, tensor<2x256xi8>, tensor<2x12xf32>, tensor<2x16xi32>, index) -> tensor<5x16xf32>
  return
}

// -----
// Codes lie as the product reads them.
#l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>
func.func @halves(%w: tensor<1088xi8, #l>, %x: tensor<5x64xf32>, %n: index) {
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<5x64xf32>, index) -> (tensor<5x64xi8>, tensor<5x2xf32>, tensor<5x2xi32>)
  // expected-error @below {{joins halves of columns, unlike the 'mpgemm.quantize' that gives its codes}}
  %y = mpgemm.mma %w, (%c, %s, %t) rows %n {row = "r", layout = #l, joins_halves} : (tensor<1088xi8, #l>, tensor<5x64xi8>, tensor<5x2xf32>, tensor<5x2xi32>, index) -> tensor<5x16xf32>
  return
}
