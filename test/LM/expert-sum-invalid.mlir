// What the sum of experts refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @branch(%x: tensor<4x64xf32>, %b: tensor<4x64xf32>, %w: tensor<4x2xf32>, %n: index) {
  // expected-error @below {{adds a row of branch for each weight of a row of x}}
  %y = lm.expert_sum %x, %b, %w, %n : (tensor<4x64xf32>, tensor<4x64xf32>, tensor<4x2xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @rows(%x: tensor<4x64xf32>, %b: tensor<4x64xf32>, %w: tensor<2x2xf32>, %n: index) {
  // expected-error @below {{adds a row of branch for each weight of a row of x}}
  %y = lm.expert_sum %x, %b, %w, %n : (tensor<4x64xf32>, tensor<4x64xf32>, tensor<2x2xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @result(%x: tensor<4x64xf32>, %b: tensor<8x64xf32>, %w: tensor<4x2xf32>, %n: index) {
  // expected-error @below {{x and result must have one shape}}
  %y = lm.expert_sum %x, %b, %w, %n : (tensor<4x64xf32>, tensor<8x64xf32>, tensor<4x2xf32>, index) -> tensor<8x64xf32>
  return
}
