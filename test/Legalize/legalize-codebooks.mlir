// A codebook whose numbers are no integers is multiplied as floats, and that is said.
// RUN: nibble-opt --legalize-linears %s 2>&1 | FileCheck %s
// RUN: not nibble-opt --legalize-linears=strategy=dot %s 2>&1 | FileCheck %s --check-prefix=DOT
// CHECK: remark: computed in float: the numbers of its codebook are no integers of a byte
// CHECK: weight = f32, activation = f32, accumulator = f32, row = "x86_fma_
// DOT: error: cannot be an integer dot product: the numbers of its codebook are no integers of a byte
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @f(%x: tensor<1x256xf32>, %w: tensor<64x256x!lowbit.block<nf4, 64, f16>>, %n: index) {
  %0 = lm.linear %x, %w rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<nf4, 64, f16>>, index) -> tensor<1x64xf32>
  return
}
}
