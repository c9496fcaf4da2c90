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
