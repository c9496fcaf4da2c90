// What the options of legalize-linears forbid.
// RUN: not nibble-opt --legalize-linears=require-native %s 2>&1 | FileCheck %s --check-prefix=NATIVE
// NATIVE: error: {{.*}}runs on the generic row 'generic_base_{{.*}}', because the CPU x86-64 has none of the feature sets:

// RUN: not nibble-opt --legalize-linears=strategy=dot %s 2>&1 | FileCheck %s --check-prefix=DOT
// DOT: error: {{.*}}cannot be an integer dot product: k must be a multiple of the record

// RUN: not nibble-opt --legalize-linears=strategy=fast %s 2>&1 | FileCheck %s --check-prefix=STRATEGY
// STRATEGY: error: unknown strategy 'fast'; the strategies are auto, dot, lut, lut-fast and float

// Without them the module is legal.
// RUN: nibble-opt --legalize-linears %s 2>/dev/null | FileCheck %s
// CHECK: row = "generic_base_1x4x1
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "x86-64", features = "">} {
func.func @f(%x: tensor<1x48xf32>, %w: tensor<64x48x!lowbit.block<u4, 16, f16>>, %n: index) {
  %0 = lm.linear %x, %w rows %n : (tensor<1x48xf32>, tensor<64x48x!lowbit.block<u4, 16, f16>>, index) -> tensor<1x64xf32>
  return
}
}
