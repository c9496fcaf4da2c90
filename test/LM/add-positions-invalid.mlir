// What learned positions refuse.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @positions(%x: tensor<4x64xf32>, %table: tensor<16x32xf32>, %types: tensor<2x64xf32>, %i: index) {
  // expected-error @below {{adds rows of 64 values, but table is 'tensor<16x32xf32>'}}
  %y = lm.add_positions %x, %table, %types at %i, %i : (tensor<4x64xf32>, tensor<16x32xf32>, tensor<2x64xf32>, index, index) -> tensor<4x64xf32>
  return
}
