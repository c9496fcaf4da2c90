// Every rule of a layout, broken once.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{a layout's element is a !lowbit.block, f32, f16 or bf16, but is 'i8'}}
module attributes {l = #mpgemm.layout<element = i8, n = 16, k = 32, nr = 16, kr = 1, bias = 0>} {}

// -----
// expected-error @below {{wrong layout: n, k, nr and kr must be positive}}
module attributes {l = #mpgemm.layout<element = f32, n = 0, k = 32, nr = 16, kr = 1, bias = 0>} {}

// -----
// expected-error @below {{wrong layout: float weights need kr = 1}}
module attributes {l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 4, bias = 0>} {}

// -----
// Only bytes change their signedness.
// expected-error @below {{wrong layout: the bias is 0, or 128 for 8-bit codes}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u4, 32, f16>, n = 16, k = 32, nr = 16, kr = 4, bias = 128>} {}

// -----
// expected-error @below {{wrong layout: the bias is 0, or 128 for 8-bit codes}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 32, nr = 16, kr = 4, bias = 64>} {}

// -----
// Neither does 24 divide the unit of 32 columns, nor is it a multiple of it.
// expected-error @below {{wrong layout: a group must divide 32 or be a multiple of it that divides the super block}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u4, 24, f16>, n = 16, k = 96, nr = 16, kr = 4, bias = 0>} {}

// -----
// expected-error @below {{wrong layout: kr must divide the unit of at least max(group, 32) columns}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u4, 32, f16>, n = 16, k = 32, nr = 16, kr = 5, bias = 0>} {}

// -----
// Eight one-bit quads fill a vector; a unit of 96 columns has twelve of eight columns.
// expected-error @below {{wrong layout: kr is too large: a bit plane of a unit is not a whole number of vectors}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u1, 96, f16>, n = 16, k = 96, nr = 16, kr = 8, bias = 0>} {}

// -----
// expected-error @below {{wrong layout: k must be a multiple of the record (the float scale's span, at least 32)}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u4, 32, f16>, n = 16, k = 48, nr = 16, kr = 4, bias = 0>} {}

// -----
// A record of a two-level format is a super block.
// expected-error @below {{wrong layout: k must be a multiple of the record (the float scale's span, at least 32)}}
module attributes {l = #mpgemm.layout<element = !lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>, n = 16, k = 128, nr = 16, kr = 4, bias = 0>} {}
