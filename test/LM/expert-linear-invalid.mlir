// What linears of experts refuse.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @rows(%x: tensor<2x64xf32>, %w: tensor<130x64xf32>, %c: tensor<2x2xi32>, %n: index) {
  // expected-error @below {{the weight has 130 rows, which are not those of 4 experts}}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 4 : i64} : (tensor<2x64xf32>, tensor<130x64xf32>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @widths(%x: tensor<2x32xf32>, %w: tensor<128x64xf32>, %c: tensor<2x2xi32>, %n: index) {
  // expected-error @below {{takes rows of 64 values to rows of 32, but x is 'tensor<2x32xf32>'}}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 4 : i64} : (tensor<2x32xf32>, tensor<128x64xf32>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @chosen(%x: tensor<2x64xf32>, %w: tensor<128x64xf32>, %c: tensor<3x1xi32>, %n: index) {
  // expected-error @below {{needs an i32 for each of the 3 rows of the result, and as many for each of the 2 rows of x}}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 4 : i64} : (tensor<2x64xf32>, tensor<128x64xf32>, tensor<3x1xi32>, index) -> tensor<3x32xf32>
  return
}

// -----
func.func @type(%x: tensor<2x64xf32>, %w: tensor<128x64xf32>, %c: tensor<2x2xf32>, %n: index) {
  // expected-error @below {{needs an i32 for each of the 4 rows}}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 4 : i64} : (tensor<2x64xf32>, tensor<128x64xf32>, tensor<2x2xf32>, index) -> tensor<4x32xf32>
  return
}
