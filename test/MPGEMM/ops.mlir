// Every operation of mpgemm survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

!q4 = !lowbit.block<u4, 32, f16, zp = 8>
#float = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
#codes = #mpgemm.layout<element = !q4, n = 20, k = 64, nr = 16, kr = 4, bias = 0>

// CHECK-LABEL: @value
func.func @value(%w: tensor<20x64x!q4>, %x: tensor<4x64xf32>, %b: tensor<20xf32>, %r: tensor<4x20xf32>,
                 %f: tensor<2048xi8, #float>, %z: tensor<4x32xf32>, %n: index) {
  // Two panels of two records: 2 · 2 · (16 scales · 2 bytes + 16 · 32 codes / 2) = 1152 bytes.
  // CHECK: %[[P:.*]] = mpgemm.pack %{{.*}} : tensor<20x64x!lowbit.block<u4, 32, f16, zp = 8>> -> tensor<1152xi8, #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 20, k = 64, nr = 16, kr = 4, bias = 0>>
  %p = mpgemm.pack %w : tensor<20x64x!q4> -> tensor<1152xi8, #codes>
  // CHECK: %[[Q:.*]]:3 = mpgemm.quantize %{{.*}}, %{{.*}} {group = 32 : i64, sum_group = 16 : i64} : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>)
  %c, %s, %t = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 16 : i64}
    : (tensor<4x64xf32>, index) -> (tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>)
  // CHECK: mpgemm.mma %[[P]], (%[[Q]]#0, %[[Q]]#1, %[[Q]]#2) rows %{{[^ ]*}} {layout = #mpgemm.layout<{{.*}}>, row = "any"} :
  %0 = mpgemm.mma %p, (%c, %s, %t) rows %n {row = "any", layout = #codes}
    : (tensor<1152xi8, #codes>, tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>, index) -> tensor<4x20xf32>
  // CHECK: mpgemm.mma %[[P]], ({{.*}}) rows %{{[^ ]*}} bias %{{[^ ]*}} residual %{{[^ ]*}} {
  %1 = mpgemm.mma %p, (%c, %s, %t) rows %n bias %b residual %r {row = "any", layout = #codes}
    : (tensor<1152xi8, #codes>, tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>, index, tensor<20xf32>,
       tensor<4x20xf32>) -> tensor<4x20xf32>
  // CHECK: mpgemm.mma %{{.*}}, (%{{[^,]*}}) rows %{{[^ ]*}} {
  %2 = mpgemm.mma %f, (%z) rows %n {row = "any", layout = #float}
    : (tensor<2048xi8, #float>, tensor<4x32xf32>, index) -> tensor<4x16xf32>
  return
}

// CHECK-LABEL: @buffer
// CHECK-SAME: %[[X:[^:]*]]: memref<4x64xf32>, %[[W:[^:]*]]: memref<1152xi8>
func.func @buffer(%x: memref<4x64xf32>, %w: memref<1152xi8>, %c: memref<4x64xi8>, %s: memref<4x2xf32>,
                  %t: memref<4x2xi32>, %y: memref<4x20xf32>, %n: index) {
  // CHECK: mpgemm.quantize %[[X]], %{{.*}} into %[[C:.*]], %[[S:.*]], %[[T:.*]] {group = 32 : i64, sum_group = 32 : i64} : (memref<4x64xf32>, index, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>) -> ()
  mpgemm.quantize %x, %n into %c, %s, %t {group = 32 : i64, sum_group = 32 : i64}
    : (memref<4x64xf32>, index, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>) -> ()
  // CHECK: mpgemm.mma %[[W]], (%[[C]], %[[S]], %[[T]]) rows %{{[^ ]*}} residual %[[Y:[^ ]*]] into %[[Y]] {
  mpgemm.mma %w, (%c, %s, %t) rows %n residual %y into %y {row = "any", layout = #codes}
    : (memref<1152xi8>, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>, index, memref<4x20xf32>,
       memref<4x20xf32>) -> ()
  return
}

// The other two attributes.
// CHECK: mpgemm.compute = #mpgemm.compute<weight = !lowbit.block<u4, 32, f16, zp = 8>, activation = i8, accumulator = i32, row = "any">
// CHECK-SAME: mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "+dotprod">
module attributes {
  mpgemm.compute = #mpgemm.compute<weight = !q4, activation = i8, accumulator = i32, row = "any">,
  mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "+dotprod">} {}
