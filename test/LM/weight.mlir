// A weight survives a round trip with its sources and its place.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// A weight of two pieces.
// CHECK: lm.weight @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m.gguf", 0, 2304, "q4_0">, #lm.source<"m.gguf", 2304, 1152, "q4_0">]
lm.weight @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m.gguf", 0, 2304, "q4_0">, #lm.source<"m.gguf", 2304, 1152, "q4_0">]

// One that the compiler computes.
// CHECK: lm.weight @angles : tensor<66x8x2xf32> from [#lm.rope_table<base = 1.000000e+04 : f64, dims = 16, scaling = "linear", factor = 4.000000e+00 : f64>]
lm.weight @angles : tensor<66x8x2xf32> from [#lm.rope_table<base = 1.0e+04 : f64, dims = 16, scaling = "linear", factor = 4.0 : f64>]

// One that has a place.
// CHECK: lm.weight @norm : tensor<64xf32> from [#lm.source<"m.gguf", 64, 256, "f32">] {offset = 128 : i64}
lm.weight @norm : tensor<64xf32> from [#lm.source<"m.gguf", 64, 256, "f32">] {offset = 128 : i64}

// One whose values are rounded to its type when it is packed.
// CHECK: lm.weight @rounded : tensor<8x32x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m.gguf", 0, 1024, "f32", requantized = "blk.0.w">]
lm.weight @rounded : tensor<8x32x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m.gguf", 0, 1024, "f32", requantized = "blk.0.w">]

// One whose values are those of the file and one, and one with two adapters, of which the second has magnitudes.
// CHECK: lm.weight @plus : tensor<64xf32> from [#lm.source<"m", 64, 128, "f16", plus = 1.000000e+00 : f64>]
lm.weight @plus : tensor<64xf32> from [#lm.source<"m", 64, 128, "f16", plus = 1.0 : f64>]
// CHECK: lm.weight @merged : tensor<8x32xf16> from [#lm.source<"m", 0, 512, "f16", requantized = "w", adapters = [#lm.lora<a = {{.*}}, b = {{.*}}, rank = 2, scale = 2.000000e+00 : f64>, #lm.lora<a = {{.*}}, b = {{.*}}, rank = 1, scale = 5.000000e-01 : f64, heads = 2, magnitude = {{.*}}>]>]
lm.weight @merged : tensor<8x32xf16> from [#lm.source<"m", 0, 512, "f16", requantized = "w", adapters = [
  #lm.lora<a = <"a", 512, 256, "f32">, b = <"a", 768, 64, "f32">, rank = 2, scale = 2.0 : f64>,
  #lm.lora<a = <"a", 0, 128, "f32">, b = <"a", 128, 32, "f32">, rank = 1, scale = 0.5 : f64, heads = 2, magnitude = <"a", 160, 32, "f32">>]>]
