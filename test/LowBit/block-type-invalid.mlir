// Every rule of the element type, broken once.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{codes must have 1 to 8 bits, found 9}}
func.func private @wide(!lowbit.block<u9, 32, f16>)

// -----
// expected-error @below {{codes must have 1 to 8 bits, found 0}}
func.func private @narrow(!lowbit.block<u0, 32, f16>)

// -----
// expected-error @below {{expected a code such as u4, i8, e2m1 or cb<[…]>, found 'f16'}}
func.func private @float_code(!lowbit.block<f16, 32, f16>)

// -----
// expected-error @below {{a group must have at least 1 element, found 0}}
func.func private @group(!lowbit.block<u4, 0, f16>)

// -----
// expected-error @below {{expected f16, bf16, f32, e8m0 or ue4m3, found 'f64'}}
func.func private @scale(!lowbit.block<u4, 32, f64>)

// -----
// expected-error @below {{sub-scales must have 1 to 8 bits, found 9}}
func.func private @subscale(!lowbit.block<u4, 32, u9 x f16 : 256>)

// -----
// expected-error @below {{the super block must be positive}}
func.func private @no_super(!lowbit.block<u4, 32, u6 x f16 : 0>)

// -----
// expected-error @below {{the super block of 256 must be a multiple of the group of 48}}
func.func private @super(!lowbit.block<u4, 48, u6 x f16 : 256>)

// -----
// expected-error @below {{zero point 16 is outside the codes 0 … 15}}
func.func private @zp(!lowbit.block<u4, 32, f16, zp = 16>)

// -----
// expected-error @below {{zero point -9 is outside the codes -8 … 7}}
func.func private @signed_zp(!lowbit.block<i4, 32, f16, zp = -9>)

// -----
// expected-error @below {{a zero point of 0 is written by leaving it out}}
func.func private @zero_zp(!lowbit.block<u4, 32, f16, zp = 0>)

// -----
// expected-error @below {{expected 'min' or 'zp'}}
func.func private @zero(!lowbit.block<u4, 32, f16, 8>)

// -----
// expected-error @below {{scale and minimum must have the same number of levels}}
func.func private @levels(!lowbit.block<u4, 32, u6 x f16 : 256, min = f16>)

// -----
// expected-error @below {{scale and minimum must share the super block, found 256 and 128}}
func.func private @supers(!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 128)>)

// -----
// expected-error @below {{scale and minimum must have the same float type, found f16 and f32}}
func.func private @floats(!lowbit.block<u4, 32, f16, min = f32>)

// -----
// expected-error @below {{sub-minima must be unsigned with 1 to 8 bits}}
func.func private @submin(!lowbit.block<u4, 32, u6 x f16 : 256, min = -(i6 x f16 : 256)>)

// -----
// expected-error @below {{a subtracted minimum has two levels}}
func.func private @subtracted(!lowbit.block<u4, 32, f16, min = -(f16)>)

// -----
// expected-error @below {{a two-level minimum is subtracted}}
func.func private @added(!lowbit.block<u4, 32, u6 x f16 : 256, min = u6 x f16 : 256>)

// -----
// The type belongs to tensors; memory has layouts.
// expected-error @below {{invalid memref element type}}
func.func private @memref(memref<8x64x!lowbit.block<u4, 32, f16>>)

// -----
// expected-error @below {{a codebook has 2, 4, 8, … or 256 numbers, found 3}}
func.func private @three(!lowbit.block<cb<[1, 2, 3]>, 32, f16>)

// -----
// expected-error @below {{unknown grid 'iq9'}}
func.func private @no_grid(!lowbit.block<grid<iq9>, 32, f16>)

// -----
// expected-error @below {{the numbers of a stored codebook are i8, f16 or f32, found 'i4'}}
func.func private @entry(!lowbit.block<cb<4 x i4 per row>, 32, f16>)

// -----
// expected-error @below {{a stored codebook is 'per row' or 'per tensor', found 'column'}}
func.func private @scope(!lowbit.block<cb<4 x i8 per column>, 32, f16>)

// -----
// expected-error @below {{codes must have 1 to 8 bits, found 9}}
func.func private @stored_width(!lowbit.block<cb<9 x i8 per row>, 32, f16>)

// -----
// expected-error @below {{a codebook has no zero point}}
func.func private @book_zero(!lowbit.block<nf4, 32, f16, zp = 8>)

// -----
// expected-error @below {{a group of a whole row has a scale of one level}}
func.func private @row_levels(!lowbit.block<u4, row, u6 x f16 : 256>)
