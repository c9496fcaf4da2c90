// Weights of f16 or bf16 whose activations are rounded to the same type go to a row of narrow operands, where the CPU has
// one; other weights and other activations do not.
// RUN: nibble-opt --legalize-linears=activations=bf16 %s | FileCheck %s --check-prefix=BF16
// RUN: nibble-opt --legalize-linears=activations=f16 %s | FileCheck %s --check-prefix=F16
// RUN: nibble-opt --legalize-linears=activations=f32 %s | FileCheck %s --check-prefix=F32
// RUN: sed s/neoverse-n2/cortex-a53/ %s | nibble-opt --legalize-linears=activations=bf16 | FileCheck %s --check-prefix=F32
// RUN: sed 's/neoverse-n2/cooperlake/; s/aarch64/x86_64/' %s | nibble-opt --legalize-linears=activations=bf16 | FileCheck %s --check-prefix=X86

module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "neoverse-n2", features = "">} {
func.func @f(%x: tensor<1x64xf32>, %b: tensor<64x64xbf16>, %h: tensor<64x64xf16>, %q: tensor<64x64x!lowbit.block<u4, 32, f16>>,
             %n: index) {
  // BF16: weight = bf16, activation = bf16, accumulator = f32, row = "aarch64_bf16_2x4x4_bf16bf16f32"
  // F16: weight = bf16, activation = f16, accumulator = f32, row = "aarch64_neon_1x4x1_f32f32f32"
  // F32: row = "aarch64_neon_1x4x1_f32f32f32"
  // X86: row = "x86_avx512bf16_1x16x2_bf16bf16f32"
  %0 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<64x64xbf16>, index) -> tensor<1x64xf32>
  // BF16: row = "aarch64_neon_1x4x1_f32f32f32"
  // F16: weight = f16, activation = f16, accumulator = f32, row = "aarch64_fp16fml_1x8x1_f16f16f32"
  // F32: row = "aarch64_neon_1x4x1_f32f32f32"
  // X86: row = "x86_avx512f_1x16x1_f32f32f32"
  %1 = lm.linear %x, %h rows %n : (tensor<1x64xf32>, tensor<64x64xf16>, index) -> tensor<1x64xf32>
  // BF16: row = "aarch64_neon_1x4x1_f32f32f32"
  // F16: row = "aarch64_neon_1x4x1_f32f32f32"
  // F32: row = "aarch64_neon_1x4x1_f32f32f32"
  // X86: row = "x86_avx512f_1x16x1_f32f32f32"
  %2 = lm.linear %x, %q rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16>>, index) -> tensor<1x64xf32>
  return
}
}
