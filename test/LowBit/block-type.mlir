// The element type survives a round trip in every form of its syntax.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The formats of ggml: Q4_0, Q4_1, Q8_0, Q6_K, Q4_K.
// CHECK: @q4_0(tensor<8x64x!lowbit.block<u4, 32, f16, zp = 8>>)
func.func private @q4_0(tensor<8x64x!lowbit.block<u4, 32, f16, zp = 8>>)
// CHECK: @q4_1(tensor<8x64x!lowbit.block<u4, 32, f16, min = f16>>)
func.func private @q4_1(tensor<8x64x!lowbit.block<u4, 32, f16, min = f16>>)
// CHECK: @q8_0(tensor<8x64x!lowbit.block<i8, 32, f16>>)
func.func private @q8_0(tensor<8x64x!lowbit.block<i8, 32, f16>>)
// CHECK: @q6_k(tensor<8x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>)
func.func private @q6_k(tensor<8x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>)
// CHECK: @q4_k(tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>)
func.func private @q4_k(tensor<8x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>)

// Other scales, and the ends of the ranges.
// CHECK: @bits(tensor<128x!lowbit.block<u1, 128, bf16>>, tensor<1x!lowbit.block<i8, 1, f32, zp = -128>>)
func.func private @bits(tensor<128x!lowbit.block<u1, 128, bf16>>, tensor<1x!lowbit.block<i8, 1, f32, zp = -128>>)
// CHECK: @signed(tensor<256x!lowbit.block<i3, 16, i6 x f32 : 256>>)
func.func private @signed(tensor<256x!lowbit.block<i3, 16, i6 x f32 : 256>>)

// The other kinds of scale, and groups as long as the row or the tensor.
// CHECK: @scales(tensor<64x!lowbit.block<u4, 32, e8m0>>, tensor<64x!lowbit.block<u4, 16, ue4m3, zp = 8>>, tensor<64x!lowbit.block<i4, row, f32>>, tensor<64x!lowbit.block<u2, tensor, bf16, zp = 1>>)
func.func private @scales(tensor<64x!lowbit.block<u4, 32, e8m0>>, tensor<64x!lowbit.block<u4, 16, ue4m3, zp = 8>>, tensor<64x!lowbit.block<i4, row, f32>>, tensor<64x!lowbit.block<u2, tensor, bf16, zp = 1>>)

// Codes that stand for the numbers of a list: by name, spelled out, as vectors, stored with the weight.
// CHECK: @named(tensor<64x!lowbit.block<e2m1, 32, e8m0>>, tensor<64x!lowbit.block<e4m3, row, f32>>, tensor<64x!lowbit.block<nf4, 64, f16>>)
func.func private @named(tensor<64x!lowbit.block<e2m1, 32, e8m0>>, tensor<64x!lowbit.block<e4m3, row, f32>>, tensor<64x!lowbit.block<nf4, 64, f16>>)
// CHECK: @listed(tensor<64x!lowbit.block<cb<[-1, 0, 2.500000e-01, 1.000000e-01]>, 32, f16, min = f16>>)
func.func private @listed(tensor<64x!lowbit.block<cb<[-1, 0.0, 0.25, 0.1]>, 32, f16, min = f16>>)
// CHECK: @grid(tensor<256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>>)
func.func private @grid(tensor<256x!lowbit.block<grid<iq2xs>, 16, u5 x f16 : 256>>)
// CHECK: @stored(tensor<64x!lowbit.block<cb<4 x i8 per row>, 32, f16>>, tensor<64x!lowbit.block<cb<3 x f16 per tensor>, row, f16>>)
func.func private @stored(tensor<64x!lowbit.block<cb<4 x i8 per row>, 32, f16>>, tensor<64x!lowbit.block<cb<3 x f16 per tensor>, row, f16>>)
// A list that is a named one's is that one.
// CHECK: @same(tensor<64x!lowbit.block<e2m1, 32, f16>>)
func.func private @same(tensor<64x!lowbit.block<cb<[0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6]>, 32, f16>>)
