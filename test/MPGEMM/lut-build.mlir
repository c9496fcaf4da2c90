// Tables of activations survive a round trip in both forms, and so does a product that looks its weight up.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[C:[^:]*]]: tensor<4x64xi8>, %[[S:[^:]*]]: tensor<4x2xf32>, %[[T:[^:]*]]: tensor<4x2xi32>, %[[W:[^:]*]]: tensor<640xi8, {{.*}}>, %[[N:[^:]*]]: index)
func.func @value(%c: tensor<4x64xi8>, %s: tensor<4x2xf32>, %t: tensor<4x2xi32>, %w: tensor<640xi8, #mpgemm.layout<element = !lowbit.block<u2, 32, f16, zp = 1>, n = 32, k = 64, nr = 32, kr = 4, bias = 0, lookup = true>>, %n: index) {
  // CHECK: %[[A:.*]]:2 = mpgemm.lut_build %[[C]], %[[N]] {sum_group = 32 : i64} : (tensor<4x64xi8>, index) -> (tensor<4x512xi8>, tensor<4x2xi32>)
  %a, %b = mpgemm.lut_build %c, %n {sum_group = 32 : i64} : (tensor<4x64xi8>, index) -> (tensor<4x512xi8>, tensor<4x2xi32>)
  // CHECK: mpgemm.mma %[[W]], (%[[A]]#0, %[[S]], %[[T]], %[[A]]#1) rows %[[N]] {layout = #mpgemm.layout<{{.*}}, lookup = true>, row = "aarch64_neon_1x4x4_lut_s8s32"}
  %y = mpgemm.mma %w, (%a, %s, %t, %b) rows %n {row = "aarch64_neon_1x4x4_lut_s8s32", layout = #mpgemm.layout<element = !lowbit.block<u2, 32, f16, zp = 1>, n = 32, k = 64, nr = 32, kr = 4, bias = 0, lookup = true>}
    : (tensor<640xi8, #mpgemm.layout<element = !lowbit.block<u2, 32, f16, zp = 1>, n = 32, k = 64, nr = 32, kr = 4, bias = 0, lookup = true>>, tensor<4x512xi8>, tensor<4x2xf32>, tensor<4x2xi32>, tensor<4x2xi32>, index) -> tensor<4x32xf32>
  return
}

// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[C:[^:]*]]: memref<4x64xi8>, %[[A:[^:]*]]: memref<4x512xi8>, %[[B:[^:]*]]: memref<4x4xi32>, %[[N:[^:]*]]: index)
func.func @buffer(%c: memref<4x64xi8>, %a: memref<4x512xi8>, %b: memref<4x4xi32>, %n: index) {
  // CHECK: mpgemm.lut_build %[[C]], %[[N]] into %[[A]], %[[B]] {sum_group = 16 : i64} : (memref<4x64xi8>, index, memref<4x512xi8>, memref<4x4xi32>) -> ()
  mpgemm.lut_build %c, %n into %a, %b {sum_group = 16 : i64} : (memref<4x64xi8>, index, memref<4x512xi8>, memref<4x4xi32>) -> ()
  return
}
