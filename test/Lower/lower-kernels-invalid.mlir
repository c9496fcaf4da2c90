// What is in value form, or not for a known machine, has no kernel.
// RUN: nibble-opt --lower-kernels -split-input-file -verify-diagnostics %s

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @value(%x: tensor<1x64xf32>, %n: index, %tid: index, %nthreads: index) {
  // expected-error @below {{is in value form; run the phase bufferize first}}
  %0 = lm.glu %x, %x, %n {activation = #lm.activation<silu>} : (tensor<1x64xf32>, tensor<1x64xf32>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// expected-error @below {{the module has no attribute mpgemm.target of kind #mpgemm.target}}
module {}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @row(%w: memref<2048xi8>, %x: memref<4x32xf32>, %y: memref<4x16xf32>, %n: index, %tid: index, %nthreads: index) {
  // expected-error @below {{names the instruction row 'vax_polyd', which does not exist}}
  mpgemm.mma %w, (%x) rows %n into %y {row = "vax_polyd", layout = #l} : (memref<2048xi8>, memref<4x32xf32>, index, memref<4x16xf32>) -> ()
  return
}
}

// -----
#q8 = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @halves(%w: memref<1088xi8>, %c: memref<64x64xi8>, %s: memref<64x2xf32>, %t: memref<64x2xi32>, %y: memref<64x16xf32>, %n: index, %tid: index, %nthreads: index) {
  // expected-error @below {{row 'x86_avx2_1x8x4_u7s8s32' does not join halves of '!lowbit.block<i8, 32, f16>' for 64 rows}}
  mpgemm.mma %w, (%c, %s, %t) rows %n into %y {row = "x86_avx2_1x8x4_u7s8s32", layout = #q8, joins_halves}
    : (memref<1088xi8>, memref<64x64xi8>, memref<64x2xf32>, memref<64x2xi32>, index, memref<64x16xf32>) -> ()
  return
}
}
