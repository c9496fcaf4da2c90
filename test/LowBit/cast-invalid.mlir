// Which casts are refused: those that can change a value.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

// u8 codes do not fit into 7 bits.
func.func @narrower(%a: tensor<8x64x!lowbit.block<u8, 32, f16, zp = 128>>) {
  // expected-error @below {{can change a value: the result's codes cannot hold all of the operand's; use lowbit.decode and lowbit.encode}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<u8, 32, f16, zp = 128>> -> tensor<8x64x!lowbit.block<i7, 32, f16>>
  return
}

// -----
// The same number of bits, but no room for the shift.
func.func @shifted(%a: tensor<8x64x!lowbit.block<i8, 32, f16>>) {
  // expected-error @below {{the result's codes cannot hold all of the operand's}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<i8, 32, f16>> -> tensor<8x64x!lowbit.block<u8, 32, f16, zp = 127>>
  return
}

// -----
// Two groups have two scales.
func.func @group(%a: tensor<8x64x!lowbit.block<i8, 32, f16>>) {
  // expected-error @below {{the result's group does not divide the operand's}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<i8, 32, f16>> -> tensor<8x64x!lowbit.block<i8, 64, f16>>
  return
}

// -----
// f16 has three more bits of precision than bf16.
func.func @scale(%a: tensor<8x64x!lowbit.block<i8, 32, f16>>) {
  // expected-error @below {{the result's scale cannot hold the operand's}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<i8, 32, f16>> -> tensor<8x64x!lowbit.block<i8, 32, bf16>>
  return
}

// -----
// -8·d is not always an f16.
func.func @min(%a: tensor<8x64x!lowbit.block<u4, 32, f16, zp = 8>>) {
  // expected-error @below {{only one of the types has a minimum}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<u4, 32, f16, zp = 8>> -> tensor<8x64x!lowbit.block<u4, 32, f16, min = f16>>
  return
}

// -----
func.func @submin(%a: tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>) {
  // expected-error @below {{the result's minimum cannot hold the operand's}}
  %0 = lowbit.cast %a : tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>
      -> tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u5 x f16 : 256)>>
  return
}

// -----
// 0.5 is no integer.
func.func @book(%a: tensor<8x64x!lowbit.block<e2m1, 32, f16>>) {
  // expected-error @below {{the result's codes cannot hold all of the operand's}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<e2m1, 32, f16>> -> tensor<8x64x!lowbit.block<i8, 32, f16>>
  return
}

// -----
// Eight numbers of a list need not be a vector of the grid.
func.func @grid(%a: tensor<8x256x!lowbit.block<iq2, 16, u5 x f16 : 256>>) {
  // expected-error @below {{the result's codes cannot hold all of the operand's}}
  %0 = lowbit.cast %a : tensor<8x256x!lowbit.block<iq2, 16, u5 x f16 : 256>> -> tensor<8x256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>>
  return
}

// -----
// Codebooks that come with the weight may hold anything.
func.func @stored(%a: tensor<8x64x!lowbit.block<cb<4 x i8 per row>, 32, f16>>) {
  // expected-error @below {{the result's codes cannot hold all of the operand's}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<cb<4 x i8 per row>, 32, f16>> -> tensor<8x64x!lowbit.block<i8, 32, f16>>
  return
}

// -----
// 2^128 is an e8m0 and no f32.
func.func @exponent(%a: tensor<8x64x!lowbit.block<u4, 32, e8m0>>) {
  // expected-error @below {{the result's scale cannot hold the operand's}}
  %0 = lowbit.cast %a : tensor<8x64x!lowbit.block<u4, 32, e8m0>> -> tensor<8x64x!lowbit.block<u4, 32, f32>>
  return
}

// -----
// An f16 has no room for the product of an f16 and six bits.
func.func @folded_narrow(%a: tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256>>) {
  // expected-error @below {{the result's scale cannot hold the operand's}}
  %0 = lowbit.cast %a : tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256>> -> tensor<8x256x!lowbit.block<u4, 32, f16>>
  return
}

// -----
// And an f32 none for that of an f32.
func.func @folded_wide(%a: tensor<8x256x!lowbit.block<u4, 32, u6 x f32 : 256>>) {
  // expected-error @below {{the result's scale cannot hold the operand's}}
  %0 = lowbit.cast %a : tensor<8x256x!lowbit.block<u4, 32, u6 x f32 : 256>> -> tensor<8x256x!lowbit.block<u4, 32, f32>>
  return
}

// -----
// What is one number need not be a product.
func.func @unfolded(%a: tensor<8x256x!lowbit.block<u4, 32, f16>>) {
  // expected-error @below {{the result's scale cannot hold the operand's}}
  %0 = lowbit.cast %a : tensor<8x256x!lowbit.block<u4, 32, f16>> -> tensor<8x256x!lowbit.block<u4, 32, u6 x f32 : 256>>
  return
}
