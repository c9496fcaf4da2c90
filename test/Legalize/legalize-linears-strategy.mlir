// Look-ups where the cost model expects them to win, or where they are asked for and possible; a remark tells the costs.
// RUN: nibble-opt --legalize-linears %s 2>%t | FileCheck %s --check-prefixes=CHECK,AUTO && FileCheck %s --check-prefix=REMARK < %t
// RUN: nibble-opt --legalize-linears=strategy=lut %s 2>/dev/null | FileCheck %s --check-prefixes=CHECK,LUT
// RUN: nibble-opt --legalize-linears=strategy=lut-fast %s 2>/dev/null | FileCheck %s --check-prefixes=CHECK,FAST
// RUN: nibble-opt --legalize-linears=strategy=dot %s 2>/dev/null | FileCheck %s --check-prefixes=CHECK,DOT

!u1 = !lowbit.block<u1, 32, f16, min = f16>
!u4 = !lowbit.block<u4, 32, f16, zp = 8>
!i8 = !lowbit.block<i8, 32, f16>
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "">} {
lm.weight @head : tensor<64x256x!u1> from [#lm.source<"m", 0, 3072, "q1">]

// CHECK-LABEL: @layer
func.func @layer(%x: tensor<1x256xf32>, %a: tensor<64x256x!u1>, %b: tensor<64x256x!u4>, %c: tensor<64x256x!i8>, %n: index) {
  // One bit: a look-up does the work of four multiplications of the other kind.
  // AUTO: row = "aarch64_neon_1x4x4_lut_s8s32"
  // LUT: row = "aarch64_neon_1x4x4_lut_s8s32"
  // FAST: row = "aarch64_neon_1x4x4_lutavg_s8s32"
  // DOT: row = "aarch64_dotprod_
  // REMARK: remark: 64 x 256 '!lowbit.block<u1, 32, f16, min = f16>' is computed by lut, row 'aarch64_neon_1x4x4_lut_s8s32': 0.{{[0-9]+}} instructions and 0.250 bytes a weight, {{[0-9.]+}} us a row; dot, row 'aarch64_dotprod_{{.*}}': 0.{{[0-9]+}} instructions and 0.250 bytes a weight, {{[0-9.]+}} us a row; float, row 'aarch64_neon_{{.*}} us a row
  %0 = lm.linear %x, %a rows %n : (tensor<1x256xf32>, tensor<64x256x!u1>, index) -> tensor<1x64xf32>
  // Four bits: four look-ups for one multiplication.
  // AUTO: row = "aarch64_dotprod_
  // LUT: row = "aarch64_neon_1x4x4_lut_s8s32"
  // FAST: row = "aarch64_neon_1x4x4_lutavg_s8s32"
  // DOT: row = "aarch64_dotprod_
  // REMARK: remark: 64 x 256 '!lowbit.block<u4, {{.*}} is computed by dot, row 'aarch64_dotprod_
  %1 = lm.linear %x, %b rows %n : (tensor<1x256xf32>, tensor<64x256x!u4>, index) -> tensor<1x64xf32>
  // Eight bits are multiplied, whatever is asked for.
  // CHECK: row = "aarch64_dotprod_
  // REMARK: remark: 64 x 256 '!lowbit.block<i8, {{.*}}; lut: not possible, only codes of up to 4 bits are looked up; float
  %2 = lm.linear %x, %c rows %n : (tensor<1x256xf32>, tensor<64x256x!i8>, index) -> tensor<1x64xf32>
  return
}

// Rows of a table that an embedding reads cannot be indices.
// CHECK-LABEL: @decode
func.func @decode(%tokens: tensor<1xi32>, %n: index) {
  %w = lm.weight_ref @head : tensor<64x256x!u1>
  %x = lm.embed %tokens, %w, %n : (tensor<1xi32>, tensor<64x256x!u1>, index) -> tensor<1x256xf32>
  // CHECK: row = "aarch64_dotprod_
  // REMARK: remark: {{.*}}lut: not possible, an embedding reads its rows
  %y = lm.linear %x, %w rows %n : (tensor<1x256xf32>, tensor<64x256x!u1>, index) -> tensor<1x64xf32>
  return
}
}
