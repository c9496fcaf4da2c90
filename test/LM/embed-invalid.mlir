// What an embedding refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @embed_rank(%t: tensor<4x1xi32>, %e: tensor<512x64xf32>, %n: index) {
  // expected-error @below {{tokens must have rank 1, but has 2}}
  %y = lm.embed %t, %e, %n : (tensor<4x1xi32>, tensor<512x64xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @embed_rows(%t: tensor<4xi32>, %e: tensor<512x64xf32>, %n: index) {
  // expected-error @below {{gives one row a token}}
  %y = lm.embed %t, %e, %n : (tensor<4xi32>, tensor<512x64xf32>, index) -> tensor<5x64xf32>
  return
}
