// The size of a packed weight follows from its layout; a tensor of another size is refused (pack-invalid.mlir), so that
// these types verify is the test. H = nr · 2 bytes: one f16 a row.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// Floats: 4 panels of 8 rows for 30, k · nr elements each.
// CHECK-LABEL: @floats
func.func @floats(%a: tensor<30x10xf16>, %b: tensor<30x10xbf16>, %c: tensor<30x10xf32>) {
  %0 = mpgemm.pack %a : tensor<30x10xf16> -> tensor<640xi8, #mpgemm.layout<element = f16, n = 30, k = 10, nr = 8, kr = 1, bias = 0>>
  %1 = mpgemm.pack %b : tensor<30x10xbf16> -> tensor<640xi8, #mpgemm.layout<element = bf16, n = 30, k = 10, nr = 8, kr = 1, bias = 0>>
  // CHECK: tensor<1280xi8, #mpgemm.layout<element = f32, n = 30, k = 10, nr = 8, kr = 1, bias = 0>>
  %2 = mpgemm.pack %c : tensor<30x10xf32> -> tensor<1280xi8, #mpgemm.layout<element = f32, n = 30, k = 10, nr = 8, kr = 1, bias = 0>>
  return
}

// One level: two records of (scales H, minima H, codes 16 · 32 · bits / 8).
// CHECK-LABEL: @one_level
func.func @one_level(%q4_0: tensor<16x64x!lowbit.block<u4, 32, f16, zp = 8>>,
                     %q4_1: tensor<16x64x!lowbit.block<u4, 32, f16, min = f16>>,
                     %q8_0: tensor<16x64x!lowbit.block<i8, 32, f16>>) {
  // 2 · (32 + 256)
  %0 = mpgemm.pack %q4_0 : tensor<16x64x!lowbit.block<u4, 32, f16, zp = 8>>
    -> tensor<576xi8, #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>>
  // 2 · (32 + 32 + 256)
  %1 = mpgemm.pack %q4_1 : tensor<16x64x!lowbit.block<u4, 32, f16, min = f16>>
    -> tensor<640xi8, #mpgemm.layout<element = !lowbit.block<u4, 32, f16, min = f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 0>>
  // 2 · (32 + 512); the codes are stored unsigned.
  // CHECK: tensor<1088xi8, #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 128>>
  %2 = mpgemm.pack %q8_0 : tensor<16x64x!lowbit.block<i8, 32, f16>>
    -> tensor<1088xi8, #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 64, nr = 16, kr = 4, bias = 128>>
  return
}

// Two levels, one record of 256: scales H, minima H, a byte of sub-scale (and of sub-minimum) a row and group, codes.
// CHECK-LABEL: @two_levels
func.func @two_levels(%q4_k: tensor<16x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>,
                      %q6_k: tensor<16x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>) {
  // 32 + 32 + 8 · 16 + 8 · 16 + 2048
  // CHECK: tensor<2368xi8
  %0 = mpgemm.pack %q4_k : tensor<16x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>
    -> tensor<2368xi8, #mpgemm.layout<element = !lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>, n = 16, k = 256, nr = 16, kr = 4, bias = 0>>
  // 32 + 16 · 16 + 3072
  // CHECK: tensor<3360xi8
  %1 = mpgemm.pack %q6_k : tensor<16x256x!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>>
    -> tensor<3360xi8, #mpgemm.layout<element = !lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>, n = 16, k = 256, nr = 16, kr = 4, bias = 0>>
  return
}
