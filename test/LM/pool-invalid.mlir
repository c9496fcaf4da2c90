// What pooling refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @pool(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{gives one row of 64 values, but the result is 'tensor<4x64xf32>'}}
  %y = lm.pool %x, %n {pooling = #lm.pooling<mean>} : (tensor<4x64xf32>, index) -> tensor<4x64xf32>
  return
}
