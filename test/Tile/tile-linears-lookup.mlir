// A look-up row: activations are quantized and put into tables, once for all linears that read them; the weight's codes
// lie as indices.
// RUN: nibble-opt --mpgemm-tile-linears %s | FileCheck %s

!u2 = !lowbit.block<u2, 32, f16, zp = 1>
#lut = #mpgemm.compute<weight = !u2, activation = i8, accumulator = i32, row = "x86_avx2_1x8x8_lut_s8s32">

// CHECK-LABEL: @shared
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x64xf32>, %[[A:[^:]*]]: tensor<40x64x{{.*}}>, %[[B:[^:]*]]: tensor<32x64x{{.*}}>, %[[N:[^:]*]]: index
func.func @shared(%x: tensor<4x64xf32>, %a: tensor<40x64x!u2>, %b: tensor<32x64x!u2>, %n: index) -> (tensor<4x40xf32>, tensor<4x32xf32>) {
  // CHECK-DAG: %[[Q:.*]]:3 = mpgemm.quantize %[[X]], %[[N]] {group = 32 : i64, sum_group = 32 : i64}
  // CHECK-DAG: %[[T:.*]]:2 = mpgemm.lut_build %[[Q]]#0, %[[N]] {sum_group = 32 : i64} : (tensor<4x64xi8>, index) -> (tensor<4x512xi8>, tensor<4x2xi32>)
  // CHECK-DAG: %[[P:.*]] = mpgemm.pack %[[A]] : {{.*}} -> tensor<1280xi8, #[[LAYOUT:.*]]>
  // CHECK: mpgemm.mma %[[P]], (%[[T]]#0, %[[Q]]#1, %[[Q]]#2, %[[T]]#1) rows %[[N]] {layout = #mpgemm.layout<element = !lowbit.block<u2, 32, f16, zp = 1>, n = 40, k = 64, nr = 32, kr = 8, bias = 0, lookup = true>, row = "x86_avx2_1x8x8_lut_s8s32"}
  %0 = lm.linear %x, %a rows %n {compute = #lut} : (tensor<4x64xf32>, tensor<40x64x!u2>, index) -> tensor<4x40xf32>
  // CHECK-NOT: mpgemm.quantize
  // CHECK-NOT: mpgemm.lut_build
  // CHECK: mpgemm.mma %{{.*}}, (%[[T]]#0, %[[Q]]#1, %[[Q]]#2, %[[T]]#1)
  %1 = lm.linear %x, %b rows %n {compute = #lut} : (tensor<4x64xf32>, tensor<32x64x!u2>, index) -> tensor<4x32xf32>
  return %0, %1 : tensor<4x40xf32>, tensor<4x32xf32>
}

// A row that averages takes tables of half the size.
#average = #mpgemm.compute<weight = !u2, activation = i8, accumulator = i32, row = "x86_avx2_1x8x8_lutavg_s8s32">
// CHECK-LABEL: @averaged
func.func @averaged(%x: tensor<4x64xf32>, %a: tensor<40x64x!u2>, %n: index) -> tensor<4x40xf32> {
  // CHECK: mpgemm.lut_build %{{.*}} : (tensor<4x64xi8>, index) -> (tensor<4x256xi8>, tensor<4x2xi32>)
  // CHECK: mpgemm.mma {{.*}} lookup = true>, row = "x86_avx2_1x8x8_lutavg_s8s32"}
  %0 = lm.linear %x, %a rows %n {compute = #average} : (tensor<4x64xf32>, tensor<40x64x!u2>, index) -> tensor<4x40xf32>
  return %0 : tensor<4x40xf32>
}
