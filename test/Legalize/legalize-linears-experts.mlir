// A row is chosen for linears of experts only if each expert has whole panels of it; the cost is that of one expert.
// RUN: nibble-opt --legalize-linears %s -split-input-file -verify-diagnostics | FileCheck %s

!u4 = !lowbit.block<u4, 32, f16, zp = 8>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
// CHECK-LABEL: @whole
func.func @whole(%x: tensor<2x64xf32>, %w: tensor<64x64x!u4>, %c: tensor<2x2xi32>, %n: index) {
  // CHECK: lm.expert_linear {{.*}} {compute = #mpgemm.compute<{{.*}}, activation = i8, accumulator = i32, row = "x86_avx2_{{.*}}">, experts = 2 : i64}
  // expected-remark @below {{is computed by dot}}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 2 : i64} : (tensor<2x64xf32>, tensor<64x64x!u4>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
  return
}
}

// -----
// A panel of the generic row is shorter.
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
// CHECK-LABEL: @generic
func.func @generic(%x: tensor<2x64xf32>, %w: tensor<32x64xf32>, %c: tensor<2x2xi32>, %n: index) {
  // CHECK: lm.expert_linear {{.*}}row = "generic_
  // expected-remark @below {{because its experts have no whole panels of the others}}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 2 : i64} : (tensor<2x64xf32>, tensor<32x64xf32>, tensor<2x2xi32>, index) -> tensor<4x16xf32>
  return
}
}

// -----
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @ragged(%x: tensor<2x64xf32>, %w: tensor<48x64xf32>, %c: tensor<2x2xi32>, %n: index) {
  // expected-error @below {{cannot be computed: its experts have 24 rows each, which are no whole panels of}}
  %y = lm.expert_linear %x, %w, %c rows %n {experts = 2 : i64} : (tensor<2x64xf32>, tensor<48x64xf32>, tensor<2x2xi32>, index) -> tensor<4x24xf32>
  return
}
}
