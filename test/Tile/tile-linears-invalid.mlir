// A linear that legalize has not seen, or that its row cannot take, is refused.
// RUN: nibble-opt --mpgemm-tile-linears -split-input-file -verify-diagnostics %s

func.func @not_legal(%x: tensor<1x64xf32>, %w: tensor<16x64xf32>, %n: index) {
  // expected-error @below {{has no attribute `compute`; run legalize-linears first}}
  %y = lm.linear %x, %w rows %n : (tensor<1x64xf32>, tensor<16x64xf32>, index) -> tensor<1x16xf32>
  return
}

// -----
func.func @no_row(%x: tensor<1x64xf32>, %w: tensor<16x64xf32>, %n: index) {
  // expected-error @below {{names the instruction row 'vax_polyd', which does not exist}}
  %y = lm.linear %x, %w rows %n {compute = #mpgemm.compute<weight = f32, activation = f32, accumulator = f32, row = "vax_polyd">}
    : (tensor<1x64xf32>, tensor<16x64xf32>, index) -> tensor<1x16xf32>
  return
}

// -----
func.func @float_in_a_dot_row(%x: tensor<1x64xf32>, %w: tensor<16x64xf32>, %n: index) {
  // expected-error @below {{wrong layout: float weights need kr = 1}}
  %y = lm.linear %x, %w rows %n {compute = #mpgemm.compute<weight = f32, activation = i8, accumulator = i32, row = "generic_base_1x4x4_s8s8s32">}
    : (tensor<1x64xf32>, tensor<16x64xf32>, index) -> tensor<1x16xf32>
  return
}

// -----
func.func @width(%x: tensor<1x48xf32>, %w: tensor<16x48x!lowbit.block<u4, 16, f16>>, %n: index) {
  // expected-error @below {{wrong layout: k must be a multiple of the record (the float scale's span, at least 32)}}
  %y = lm.linear %x, %w rows %n {compute = #mpgemm.compute<weight = f32, activation = f32, accumulator = f32, row = "generic_base_1x4x1_f32f32f32">}
    : (tensor<1x48xf32>, tensor<16x48x!lowbit.block<u4, 16, f16>>, index) -> tensor<1x16xf32>
  return
}
