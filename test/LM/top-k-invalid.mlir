// What the choice of experts refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @more_than_there_are(%x: tensor<4x8xf32>, %n: index) {
  // expected-error @below {{k must be from 1 to the 8 columns of x, but is 9}}
  %c, %w = lm.top_k %x, %n {k = 9 : i64} : (tensor<4x8xf32>, index) -> (tensor<4x9xi32>, tensor<4x9xf32>)
  return
}

// -----
func.func @none(%x: tensor<4x8xf32>, %n: index) {
  // expected-error @below {{attribute 'k' failed to satisfy constraint}}
  %c, %w = lm.top_k %x, %n {k = 0 : i64} : (tensor<4x8xf32>, index) -> (tensor<4x0xi32>, tensor<4x0xf32>)
  return
}

// -----
func.func @one_result(%x: tensor<4x8xf32>, %n: index) {
  // expected-error @below {{gives what was chosen and its weights, but has 1 results}}
  %c = lm.top_k %x, %n {k = 2 : i64} : (tensor<4x8xf32>, index) -> tensor<4x2xi32>
  return
}

// -----
func.func @shape(%x: tensor<4x8xf32>, %n: index) {
  // expected-error @below {{gives 2 columns a row, but a result is 'tensor<4x3xf32>'}}
  %c, %w = lm.top_k %x, %n {k = 2 : i64} : (tensor<4x8xf32>, index) -> (tensor<4x2xi32>, tensor<4x3xf32>)
  return
}

// -----
func.func @type(%x: tensor<4x8xf32>, %n: index) {
  // expected-error @below {{gives chosen columns as i32, but they are 'tensor<4x2xf32>'}}
  %c, %w = lm.top_k %x, %n {k = 2 : i64} : (tensor<4x8xf32>, index) -> (tensor<4x2xf32>, tensor<4x2xf32>)
  return
}
