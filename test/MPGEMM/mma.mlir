// A product survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

#float = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
#codes = #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 20, k = 64, nr = 16, kr = 4, bias = 0>

// Packed codes times codes, scales and sums, without and with a bias and a residual.
// CHECK-LABEL: @codes
// CHECK-SAME: (%[[P:[^:]*]]: tensor<1152xi8, #mpgemm.layout<{{[^,]*}}, 32, f16, zp = 8>, n = 20, {{[^:]*}}>>, %[[C:[^:]*]]: tensor<4x64xi8>, %[[S:[^:]*]]: tensor<4x2xf32>, %[[T:[^:]*]]: tensor<4x4xi32>, %[[B:[^:]*]]: tensor<20xf32>, %[[R:[^:]*]]: tensor<4x20xf32>, %[[N:[^:]*]]: index)
func.func @codes(%p: tensor<1152xi8, #codes>, %c: tensor<4x64xi8>, %s: tensor<4x2xf32>, %t: tensor<4x4xi32>,
                 %b: tensor<20xf32>, %r: tensor<4x20xf32>, %n: index) {
  // CHECK: mpgemm.mma %[[P]], (%[[C]], %[[S]], %[[T]]) rows %[[N]] {layout = #mpgemm.layout<{{.*}}>, row = "any"} :
  %0 = mpgemm.mma %p, (%c, %s, %t) rows %n {row = "any", layout = #codes}
    : (tensor<1152xi8, #codes>, tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>, index) -> tensor<4x20xf32>
  // CHECK: mpgemm.mma %[[P]], (%[[C]], %[[S]], %[[T]]) rows %[[N]] bias %[[B]] residual %[[R]] {
  %1 = mpgemm.mma %p, (%c, %s, %t) rows %n bias %b residual %r {row = "any", layout = #codes}
    : (tensor<1152xi8, #codes>, tensor<4x64xi8>, tensor<4x2xf32>, tensor<4x4xi32>, index, tensor<20xf32>,
       tensor<4x20xf32>) -> tensor<4x20xf32>
  return
}

// Packed floats times one matrix.
// CHECK-LABEL: @floats
// CHECK-SAME: (%[[P:[^:]*]]: tensor<2048xi8, {{[^:]*}}>, %[[X:[^:]*]]: tensor<4x32xf32>, %[[N:[^:]*]]: index)
func.func @floats(%p: tensor<2048xi8, #float>, %x: tensor<4x32xf32>, %n: index) {
  // CHECK: mpgemm.mma %[[P]], (%[[X]]) rows %[[N]] {
  %0 = mpgemm.mma %p, (%x) rows %n {row = "any", layout = #float}
    : (tensor<2048xi8, #float>, tensor<4x32xf32>, index) -> tensor<4x16xf32>
  return
}

// The buffer form names what it fills after `into`, here what it adds to, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[W:[^:]*]]: memref<1152xi8>, %[[C:[^:]*]]: memref<4x64xi8>, %[[S:[^:]*]]: memref<4x2xf32>, %[[T:[^:]*]]: memref<4x2xi32>, %[[Y:[^:]*]]: memref<4x20xf32>, %[[N:[^:]*]]: index)
func.func @buffer(%w: memref<1152xi8>, %c: memref<4x64xi8>, %s: memref<4x2xf32>, %t: memref<4x2xi32>,
                  %y: memref<4x20xf32>, %n: index) {
  // CHECK: mpgemm.mma %[[W]], (%[[C]], %[[S]], %[[T]]) rows %[[N]] residual %[[Y]] into %[[Y]] {
  mpgemm.mma %w, (%c, %s, %t) rows %n residual %y into %y {row = "any", layout = #codes}
    : (memref<1152xi8>, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>, index, memref<4x20xf32>,
       memref<4x20xf32>) -> ()
  return
}
