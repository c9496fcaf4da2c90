// Packing survives a round trip; the sizes of other formats are in layout.mlir.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

!q4 = !lowbit.block<u4, 32, f16, zp = 8>
#codes = #mpgemm.layout<element = !q4, n = 20, k = 64, nr = 16, kr = 4, bias = 0>

// Two panels of two records: 2 · 2 · (16 scales · 2 bytes + 16 · 32 codes / 2) = 1152 bytes.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[W:[^:]*]]: tensor<20x64x
func.func @value(%w: tensor<20x64x!q4>) {
  // CHECK: mpgemm.pack %[[W]] : tensor<20x64x!lowbit.block<u4, 32, f16, zp = 8>> -> tensor<1152xi8, #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 20, k = 64, nr = 16, kr = 4, bias = 0>>
  %p = mpgemm.pack %w : tensor<20x64x!q4> -> tensor<1152xi8, #codes>
  return
}
