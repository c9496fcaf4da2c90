// What tables and layouts of indices refuse.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @one(%c: tensor<4x64xi8>, %n: index) {
  // expected-error @below {{gives tables and bases, but has 1 of them}}
  %a = mpgemm.lut_build %c, %n {sum_group = 32 : i64} : (tensor<4x64xi8>, index) -> tensor<4x512xi8>
  return
}

// -----
func.func @tables(%c: tensor<4x64xi8>, %n: index) {
  // expected-error @below {{tables must be 4x512, but are 'tensor<4x128xi8>'}}
  %a, %b = mpgemm.lut_build %c, %n {sum_group = 32 : i64} : (tensor<4x64xi8>, index) -> (tensor<4x128xi8>, tensor<4x2xi32>)
  return
}

// -----
func.func @bases(%c: tensor<4x64xi8>, %n: index) {
  // expected-error @below {{bases must be 4x4, but are 'tensor<4x2xi32>'}}
  %a, %b = mpgemm.lut_build %c, %n {sum_group = 16 : i64} : (tensor<4x64xi8>, index) -> (tensor<4x512xi8>, tensor<4x2xi32>)
  return
}

// -----
func.func @group(%c: tensor<4x64xi8>, %n: index) {
  // expected-error @below {{needs a sum_group of 4, 8, 16 or 32 columns and a width that is a multiple of 32, but has 64 and 64}}
  %a, %b = mpgemm.lut_build %c, %n {sum_group = 64 : i64} : (tensor<4x64xi8>, index) -> (tensor<4x512xi8>, tensor<4x1xi32>)
  return
}

// -----
// A weight that is looked up takes tables; codes have too few columns and too few companions.
func.func @codes(%c: memref<4x64xi8>, %s: memref<4x2xf32>, %t: memref<4x2xi32>, %w: memref<640xi8>, %y: memref<4x32xf32>, %n: index) {
  // expected-error @below {{takes tables, scales, sums and bases for a weight that is looked up}}
  mpgemm.mma %w, (%c, %s, %t) rows %n into %y {row = "aarch64_neon_1x4x4_lut_s8s32", layout = #mpgemm.layout<element = !lowbit.block<u2, 32, f16, zp = 1>, n = 32, k = 64, nr = 32, kr = 4, bias = 0, lookup = true>}
    : (memref<640xi8>, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>, index, memref<4x32xf32>) -> ()
  return
}

// -----
// expected-error @below {{wrong layout: only codes of up to 4 bits are looked up}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u5, 32, f16>, n = 32, k = 32, nr = 32, kr = 4, bias = 0, lookup = true>} {}

// -----
// expected-error @below {{wrong layout: looked-up codes need nr = 32 and groups that are multiples of kr, a multiple of 4}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u2, 8, f16>, n = 32, k = 32, nr = 32, kr = 16, bias = 0, lookup = true>} {}

// -----
// expected-error @below {{wrong layout: looked-up codes need nr = 32 and groups that are multiples of kr, a multiple of 4}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u2, 32, f16>, n = 32, k = 32, nr = 16, kr = 4, bias = 0, lookup = true>} {}
