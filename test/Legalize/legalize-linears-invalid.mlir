// What is said of the choice: a slower row is a remark, or an error where the user forbids it.
// RUN: nibble-opt --legalize-linears -split-input-file -verify-diagnostics %s

// A CPU that has none of the instructions: remarks name the features that would help.
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "x86-64", features = "">} {
func.func @generic(%x: tensor<1x64xf32>, %w: tensor<64x64x!lowbit.block<u4, 32, f16>>, %f: tensor<64x64xf32>, %n: index) {
  // expected-remark-re @below {{runs on the generic row 'generic_base_1x4x4{{.*}}', because the CPU x86-64 has none of the feature sets: avx512vbmi,{{.*}}; avx2,fma,f16c}}
  // expected-remark @below {{is computed by dot, row 'generic_base_1x4x4_s8s8s32': }}
  %0 = lm.linear %x, %w rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16>>, index) -> tensor<1x64xf32>
  // expected-remark-re @below {{runs on the generic row 'generic_base_1x4x1{{.*}}', because the CPU x86-64 has none of the feature sets: avx512f; avx2,fma,f16c}}
  %1 = lm.linear %x, %f rows %n : (tensor<1x64xf32>, tensor<64x64xf32>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// A width that no group of activations fits is computed in float.
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @width(%x: tensor<1x48xf32>, %w: tensor<64x48x!lowbit.block<u4, 16, f16>>, %n: index) {
  // expected-remark @below {{computed in float: k must be a multiple of the record (the float scale's span, at least 32)}}
  // expected-remark @below {{is computed by float, row 'x86_fma_1x8x1_f32f32f32': }}
  %0 = lm.linear %x, %w rows %n : (tensor<1x48xf32>, tensor<64x48x!lowbit.block<u4, 16, f16>>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// The module does not say what machine it is for.
// expected-error @below {{the module has no attribute mpgemm.target of kind #mpgemm.target, which says what machine to compile for}}
module {}

// -----
// expected-error @below {{unknown target 'vax-openvms'; the targets are native, x86_64-linux-gnu, aarch64-linux-gnu}}
module attributes {mpgemm.target = #mpgemm.target<triple = "vax-openvms", cpu = "", features = "">} {}

// -----
// expected-error @below {{unknown CPU 'pentium-99' for x86_64-linux-gnu; known are: }}
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "pentium-99", features = "">} {}

// -----
// expected-error @below {{vectors of 256 bits are SVE's, which the CPU cortex-a76 does not have; add +sve to its features}}
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "+sve-256-bit">} {}

// -----
// expected-error @below {{SVE vectors of 384 bits: Nibble compiles for 128, 256 and 512}}
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "generic", features = "+sve,+sve-384-bit">} {}
