// What the option `activations` makes of the triple.
// RUN: nibble-opt --legalize-linears=activations=int8 %s | FileCheck %s --check-prefix=INT8
// RUN: nibble-opt --legalize-linears=activations=int8:row %s | FileCheck %s --check-prefix=ROW
// RUN: nibble-opt --legalize-linears=activations=f16 %s | FileCheck %s --check-prefix=HALF
// RUN: nibble-opt --legalize-linears=activations=f32 %s | FileCheck %s --check-prefix=FLOAT
// RUN: not nibble-opt --legalize-linears=activations=int4 %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown activations 'int4'; they are int8, int8:row, f16, bf16 and f32
// RUN: not nibble-opt "--legalize-linears=activations=bf16 strategy=dot" %s 2>&1 | FileCheck %s --check-prefix=DOT
// DOT: error: activations of bf16 are no operands of an integer dot product

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "">} {
func.func @f(%x: tensor<1x64xf32>, %w: tensor<64x64x!lowbit.block<u4, 32, f16>>, %v: tensor<64x64xf16>, %n: index) {
  // INT8: activation = i8, accumulator = i32, row = "x86_avx2
  // ROW: activation = !lowbit.block<i8, row, f32>, accumulator = i32, row = "x86_avx2
  // HALF: activation = f16, accumulator = f32, row = "x86_fma
  // FLOAT: activation = f32, accumulator = f32, row = "x86_fma
  %0 = lm.linear %x, %w rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16>>, index) -> tensor<1x64xf32>
  // INT8: activation = f32, accumulator = f32
  // ROW: activation = f32, accumulator = f32
  // HALF: activation = f16, accumulator = f32
  // FLOAT: activation = f32, accumulator = f32
  %1 = lm.linear %x, %v rows %n : (tensor<1x64xf32>, tensor<64x64xf16>, index) -> tensor<1x64xf32>
  return
}
}
