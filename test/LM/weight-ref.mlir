// A reference to a weight survives a round trip, whatever the weight's type and source.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

lm.weight @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m.gguf", 0, 3456, "q4_0">]
lm.weight @angles : tensor<66x8x2xf32> from [#lm.rope_table<base = 1.0e+04 : f64, dims = 16, scaling = "none">]
lm.weight @norm : tensor<64xf32> from [#lm.source<"m.gguf", 64, 256, "f32">]

// CHECK-LABEL: @references
func.func @references() {
  // CHECK: lm.weight_ref @norm : tensor<64xf32>
  %norm = lm.weight_ref @norm : tensor<64xf32>
  // CHECK: lm.weight_ref @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>
  %w = lm.weight_ref @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>
  // CHECK: lm.weight_ref @angles : tensor<66x8x2xf32>
  %angles = lm.weight_ref @angles : tensor<66x8x2xf32>
  return
}
