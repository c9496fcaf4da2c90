// Each weight gets the types in which the machine multiplies it, and the row of the instruction table that does it.
// RUN: nibble-opt --legalize-linears -split-input-file %s | FileCheck %s --check-prefixes=CHECK,DOT
// RUN: nibble-opt --legalize-linears=strategy=dot -split-input-file %s | FileCheck %s --check-prefixes=CHECK,DOT
// RUN: nibble-opt --legalize-linears=strategy=float -split-input-file %s | FileCheck %s --check-prefixes=CHECK,FLOAT

// This machine's row takes unsigned codes of up to seven bits, and signed bytes: each type as it is.
// CHECK-LABEL: @both_signs
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @both_signs(%x: tensor<1x256xf32>, %a: tensor<64x256x!lowbit.block<u4, 32, f16, min = f16>>,
                      %b: tensor<64x256x!lowbit.block<i8, 32, f16>>, %c: tensor<64x256xbf16>, %n: index) {
  // DOT: compute = #mpgemm.compute<weight = !lowbit.block<u4, 32, f16, min = f16>, activation = i8, accumulator = i32, row = "[[ROW:x86_avx2_[^"]*]]">
  // FLOAT: compute = #mpgemm.compute<weight = f32, activation = f32, accumulator = f32, row = "[[ROW:x86_fma_[^"]*]]">
  %0 = lm.linear %x, %a rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<u4, 32, f16, min = f16>>, index) -> tensor<1x64xf32>
  // DOT: weight = !lowbit.block<i8, 32, f16>, activation = i8, accumulator = i32, row = "[[ROW]]"
  // FLOAT: weight = f32, activation = f32, accumulator = f32, row = "[[ROW]]"
  %1 = lm.linear %x, %b rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<i8, 32, f16>>, index) -> tensor<1x64xf32>
  // A float weight is multiplied as it is, whatever the strategy.
  // CHECK: weight = bf16, activation = f32, accumulator = f32, row = "x86_fma_
  %2 = lm.linear %x, %c rows %n : (tensor<1x256xf32>, tensor<64x256xbf16>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// This one takes unsigned bytes only. A signed byte becomes the unsigned one that is 128 more, with the zero point 128
// more; narrower codes are moved by the kernel.
// CHECK-LABEL: @unsigned_only
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "icelake-server", features = "">} {
func.func @unsigned_only(%x: tensor<1x256xf32>, %a: tensor<64x256x!lowbit.block<i8, 32, f16>>,
                         %b: tensor<64x256x!lowbit.block<i8, 32, f16, zp = -128>>,
                         %c: tensor<64x256x!lowbit.block<i7, 32, f16>>, %n: index) {
  // DOT: weight = !lowbit.block<u8, 32, f16, zp = 128>, {{.*}} row = "x86_avx512vbmi_
  // FLOAT: weight = f32, {{.*}} row = "x86_avx512f_
  %0 = lm.linear %x, %a rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<i8, 32, f16>>, index) -> tensor<1x64xf32>
  // DOT: weight = !lowbit.block<u8, 32, f16>,
  %1 = lm.linear %x, %b rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<i8, 32, f16, zp = -128>>, index) -> tensor<1x64xf32>
  // DOT: weight = !lowbit.block<i7, 32, f16>,
  %2 = lm.linear %x, %c rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<i7, 32, f16>>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// And this one signed bytes only.
// CHECK-LABEL: @signed_only
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
func.func @signed_only(%x: tensor<1x256xf32>, %a: tensor<64x256x!lowbit.block<u8, 32, f16>>,
                       %b: tensor<64x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>, %n: index) {
  // DOT: weight = !lowbit.block<i8, 32, f16, zp = -128>, {{.*}} row = "aarch64_dotprod_
  // FLOAT: weight = f32, {{.*}} row = "aarch64_neon_
  %0 = lm.linear %x, %a rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<u8, 32, f16>>, index) -> tensor<1x64xf32>
  // DOT: weight = !lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>, {{.*}} row = "aarch64_dotprod_
  %1 = lm.linear %x, %b rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// The numbers of a codebook are multiplied as integers if they are integers of a byte (times a power of two), and as
// floats if not.
// CHECK-LABEL: @codebooks
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
func.func @codebooks(%x: tensor<1x256xf32>, %a: tensor<64x256x!lowbit.block<e2m1, 32, e8m0>>,
                     %b: tensor<64x256x!lowbit.block<cb<4 x i8 per row>, row, f16>>, %n: index) {
  // DOT: weight = !lowbit.block<e2m1, 32, e8m0>, {{.*}} row = "aarch64_dotprod_
  // FLOAT: weight = f32, {{.*}} row = "aarch64_neon_
  %0 = lm.linear %x, %a rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<e2m1, 32, e8m0>>, index) -> tensor<1x64xf32>
  // DOT: weight = !lowbit.block<cb<4 x i8 per row>, row, f16>, {{.*}} row = "aarch64_dotprod_
  %1 = lm.linear %x, %b rows %n : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<cb<4 x i8 per row>, row, f16>>, index) -> tensor<1x64xf32>
  return
}
}
