// What a linear layer refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @linear_columns(%x: tensor<4x64xf32>, %w: tensor<96x32xf32>, %n: index) {
  // expected-error @below {{x has 64 columns, but the weight has 32}}
  %y = lm.linear %x, %w rows %n : (tensor<4x64xf32>, tensor<96x32xf32>, index) -> tensor<4x96xf32>
  return
}

// -----
func.func @linear_result(%x: tensor<4x64xf32>, %w: tensor<96x64xf32>, %n: index) {
  // expected-error @below {{result must be 4x96, but is 4x64}}
  %y = lm.linear %x, %w rows %n : (tensor<4x64xf32>, tensor<96x64xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @linear_bias(%x: tensor<4x64xf32>, %w: tensor<96x64xf32>, %b: tensor<64xf32>, %n: index) {
  // expected-error @below {{bias must hold 96 values, but is 'tensor<64xf32>'}}
  %y = lm.linear %x, %w bias %b rows %n : (tensor<4x64xf32>, tensor<96x64xf32>, index, tensor<64xf32>) -> tensor<4x96xf32>
  return
}
