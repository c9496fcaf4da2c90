// What the rounding of activations refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @type(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{rounds to f16 or bf16, not to 'f32'}}
  %y = mpgemm.round %x, %n {type = f32} : (tensor<4x64xf32>, index) -> tensor<4x64xf32>
  return
}

// -----
func.func @shape(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{gives the shape that it takes, but takes 'tensor<4x64xf32>' and gives 'tensor<4x32xf32>'}}
  %y = mpgemm.round %x, %n {type = f16} : (tensor<4x64xf32>, index) -> tensor<4x32xf32>
  return
}

// -----
func.func @forms(%x: tensor<4x64xf32>, %n: index) {
  // expected-error @below {{needs a result (value form) or `into` buffers (buffer form)}}
  "mpgemm.round"(%x, %n) {type = f16} : (tensor<4x64xf32>, index) -> ()
  return
}
