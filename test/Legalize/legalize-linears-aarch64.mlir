// Which row an Arm CPU gets: the best of its features, of its length of SVE vectors, and of the weight's width.
// RUN: nibble-opt --legalize-linears -split-input-file %s | FileCheck %s

// Matrix multiplication, and vectors of 128 bits, in which SVE would gain nothing.
// CHECK-LABEL: @n2
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "neoverse-n2", features = "">} {
func.func @n2(%x: tensor<1x96xf32>, %a: tensor<64x96x!lowbit.block<u4, 32, f16, zp = 8>>,
              %b: tensor<64x96x!lowbit.block<u5, 32, f16, zp = 16>>, %n: index) {
  // CHECK: row = "aarch64_i8mm_2x4x8_s8s8s32"
  %0 = lm.linear %x, %a rows %n : (tensor<1x96xf32>, tensor<64x96x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x64xf32>
  // The fifth bits of 64 columns make a whole vector, and 96 is no multiple of 64: the next row.
  // CHECK: row = "aarch64_dotprod_1x4x4_s8s8s32"
  %1 = lm.linear %x, %b rows %n : (tensor<1x96xf32>, tensor<64x96x!lowbit.block<u5, 32, f16, zp = 16>>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// CHECK-LABEL: @v1
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "neoverse-v1", features = "">} {
func.func @v1(%x: tensor<1x64xf32>, %a: tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, %n: index) {
  // CHECK: row = "aarch64_sve256i8mm_2x8x8_s8s8s32"
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// CHECK-LABEL: @a64fx
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "a64fx", features = "">} {
func.func @a64fx(%x: tensor<1x64xf32>, %a: tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, %n: index) {
  // CHECK: row = "aarch64_sve512_1x16x4_s8s8s32"
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// A length that is said; and SVE of unknown length, with which no SVE row is safe.
// CHECK-LABEL: @said
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "generic", features = "+sve,+sve-256-bit">} {
func.func @said(%x: tensor<1x64xf32>, %a: tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, %n: index) {
  // CHECK: row = "aarch64_sve256_1x8x4_s8s8s32"
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x64xf32>
  return
}
}

// -----
// CHECK-LABEL: @unsaid
module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "generic", features = "+sve">} {
func.func @unsaid(%x: tensor<1x64xf32>, %a: tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, %n: index) {
  // CHECK: row = "aarch64_neon_1x4x4_s8s8s32"
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x64xf32>
  return
}
}
