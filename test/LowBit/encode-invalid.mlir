// What encoding refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @shape(%a: tensor<8x64xf32>) {
  // expected-error @below {{requires the same shape for all operands and results}}
  %0 = lowbit.encode %a : tensor<8x64xf32> -> tensor<8x32x!lowbit.block<i8, 32, f16>>
  return
}

// -----
func.func @cut(%a: tensor<8x48xf32>) {
  // expected-error @below {{must be a multiple of 32, the number of elements that share a scale}}
  %0 = lowbit.encode %a : tensor<8x48xf32> -> tensor<8x48x!lowbit.block<i8, 32, f16>>
  return
}

// -----
func.func @scalar(%a: tensor<f32>) {
  // expected-error @below {{needs a tensor with at least one dimension}}
  %0 = lowbit.encode %a : tensor<f32> -> tensor<!lowbit.block<i8, 32, f16>>
  return
}

// -----
func.func @type(%a: tensor<8x64xi32>) {
  // expected-error @below {{operand #0 must be ranked tensor of 16-bit float or bfloat16 type or 32-bit float values}}
  %0 = lowbit.encode %a : tensor<8x64xi32> -> tensor<8x64x!lowbit.block<i8, 32, f16>>
  return
}
