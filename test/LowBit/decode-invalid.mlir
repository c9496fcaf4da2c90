// What decoding refuses.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

func.func @cut_super(%a: tensor<8x128x!lowbit.block<u4, 32, u6 x f16 : 256>>) {
  // expected-error @below {{must be a multiple of 256, the number of elements that share a scale}}
  %0 = lowbit.decode %a : tensor<8x128x!lowbit.block<u4, 32, u6 x f16 : 256>> -> tensor<8x128xf32>
  return
}
