// The row that legalize chose gives the panel, so the layout of the packed weight, and whether activations are quantized.
// RUN: nibble-opt --mpgemm-tile-linears %s | FileCheck %s

!q4 = !lowbit.block<u4, 32, f16, zp = 8>
!q8 = !lowbit.block<i8, 32, f16>
!q3_k = !lowbit.block<u3, 16, i6 x f16 : 256, zp = 4>
!q6_k = !lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>
#dot = #mpgemm.compute<weight = !q4, activation = i8, accumulator = i32, row = "generic_base_1x4x4_s8s8s32">
#dot_u8 = #mpgemm.compute<weight = !lowbit.block<u8, 32, f16, zp = 128>, activation = i8, accumulator = i32, row = "x86_avx512vnni_1x16x4_u8s8s32">
#dot_q6_k = #mpgemm.compute<weight = !q6_k, activation = i8, accumulator = i32, row = "generic_base_1x4x4_s8s8s32">
#dot_pairs = #mpgemm.compute<weight = !q4, activation = i8, accumulator = i32, row = "aarch64_i8mm_2x4x8_s8s8s32">
#joined_q6_k = #mpgemm.compute<weight = !q6_k, activation = i8, accumulator = i32, row = "x86_avx2_1x8x4_u7s8s32">
#joined_q3_k = #mpgemm.compute<weight = !q3_k, activation = i8, accumulator = i32, row = "x86_avx2_1x8x4_u7s8s32">
#float = #mpgemm.compute<weight = f32, activation = f32, accumulator = f32, row = "generic_base_1x4x1_f32f32f32">

// An integer row: activations are quantized, with sums of as many codes as share a scale of the weight.
// CHECK-LABEL: @dot
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x64xf32>, %[[W:[^:]*]]: tensor<20x64x{{.*}}>, %[[B:[^:]*]]: tensor<20xf32>, %[[N:[^:]*]]: index
func.func @dot(%x: tensor<1x64xf32>, %w: tensor<20x64x!q4>, %b: tensor<20xf32>, %n: index) -> tensor<1x20xf32> {
  // CHECK-DAG: %[[Q:.*]]:3 = mpgemm.quantize %[[X]], %[[N]] {group = 32 : i64, sum_group = 32 : i64}
  // CHECK-DAG: %[[P:.*]] = mpgemm.pack %[[W]] : {{.*}} -> tensor<{{[0-9]+}}xi8, #[[LAYOUT:.*]]>
  // CHECK: %[[Y:.*]] = mpgemm.mma %[[P]], (%[[Q]]#0, %[[Q]]#1, %[[Q]]#2) rows %[[N]] bias %[[B]] {layout = #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 20, k = 64, nr = 16, kr = 4, bias = 0>, row = "generic_base_1x4x4_s8s8s32"}
  // CHECK: return %[[Y]]
  %y = lm.linear %x, %w bias %b rows %n {compute = #dot} : (tensor<1x64xf32>, tensor<20x64x!q4>, index, tensor<20xf32>) -> tensor<1x20xf32>
  return %y : tensor<1x20xf32>
}

// The row takes unsigned bytes, so they are stored that way.
// CHECK-LABEL: @biased
func.func @biased(%x: tensor<1x64xf32>, %w: tensor<64x64x!q8>, %n: index) -> tensor<1x64xf32> {
  // CHECK: mpgemm.mma {{.*}} n = 64, k = 64, nr = 32, kr = 4, bias = 128>, row = "x86_avx512vnni_
  %y = lm.linear %x, %w rows %n {compute = #dot_u8} : (tensor<1x64xf32>, tensor<64x64x!q8>, index) -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// A float row reads the activations as they are and its codes column by column.
// CHECK-LABEL: @float
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x64xf32>
func.func @float(%x: tensor<1x64xf32>, %w: tensor<64x64x!q8>, %n: index) -> tensor<1x64xf32> {
  // CHECK-NOT: mpgemm.quantize
  // CHECK: mpgemm.mma %{{.*}}, (%[[X]]) rows %{{.*}} {layout = #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 64, k = 64, nr = 16, kr = 1, bias = 0>, row = "generic_base_1x4x1_f32f32f32"}
  %y = lm.linear %x, %w rows %n {compute = #float} : (tensor<1x64xf32>, tensor<64x64x!q8>, index) -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// Activations that are read in one way are quantized once; other sums, other rows or other values again.
// CHECK-LABEL: @shared
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x256xf32>, %[[Z:[^:]*]]: tensor<4x256xf32>, %{{.*}}, %{{.*}}, %[[N:[^:]*]]: index, %[[M:[^:]*]]: index
func.func @shared(%x: tensor<4x256xf32>, %z: tensor<4x256xf32>, %a: tensor<16x256x!q4>, %b: tensor<16x256x!q6_k>,
                  %n: index, %m: index) {
  // CHECK: %[[Q:.*]]:3 = mpgemm.quantize %[[X]], %[[N]] {group = 32 : i64, sum_group = 32 : i64}
  // CHECK: mpgemm.mma %{{.*}}, (%[[Q]]#0, %[[Q]]#1, %[[Q]]#2)
  // CHECK-NOT: mpgemm.quantize
  // CHECK: mpgemm.mma %{{.*}}, (%[[Q]]#0, %[[Q]]#1, %[[Q]]#2)
  %0 = lm.linear %x, %a rows %n {compute = #dot} : (tensor<4x256xf32>, tensor<16x256x!q4>, index) -> tensor<4x16xf32>
  %1 = lm.linear %x, %a rows %n {compute = #dot} : (tensor<4x256xf32>, tensor<16x256x!q4>, index) -> tensor<4x16xf32>
  // CHECK: mpgemm.quantize %[[X]], %[[N]] {group = 32 : i64, sum_group = 16 : i64}
  %2 = lm.linear %x, %b rows %n {compute = #dot_q6_k} : (tensor<4x256xf32>, tensor<16x256x!q6_k>, index) -> tensor<4x16xf32>
  // CHECK: mpgemm.quantize %[[X]], %[[M]]
  %3 = lm.linear %x, %a rows %m {compute = #dot} : (tensor<4x256xf32>, tensor<16x256x!q4>, index) -> tensor<4x16xf32>
  // CHECK: mpgemm.quantize %[[Z]], %[[N]]
  %4 = lm.linear %z, %a rows %n {compute = #dot} : (tensor<4x256xf32>, tensor<16x256x!q4>, index) -> tensor<4x16xf32>
  return
}

// A row that multiplies pairs of activation rows wants them interleaved, in blocks of up to its tile; one row is itself.
// CHECK-LABEL: @pairs
// CHECK-SAME: %[[X:[^:]*]]: tensor<5x64xf32>, %[[Z:[^:]*]]: tensor<1x64xf32>
func.func @pairs(%x: tensor<5x64xf32>, %z: tensor<1x64xf32>, %w: tensor<16x64x!q4>, %n: index) {
  // CHECK: mpgemm.quantize %[[X]], {{.*}} -> (tensor<1x512xi8>, tensor<1x32xf32>, tensor<1x32xi32>)
  // CHECK: mpgemm.mma {{.*}} -> tensor<5x16xf32>
  %0 = lm.linear %x, %w rows %n {compute = #dot_pairs} : (tensor<5x64xf32>, tensor<16x64x!q4>, index) -> tensor<5x16xf32>
  // CHECK: mpgemm.quantize %[[Z]], {{.*}} -> (tensor<1x64xi8>, tensor<1x2xf32>, tensor<1x2xi32>)
  %1 = lm.linear %z, %w rows %n {compute = #dot_pairs} : (tensor<1x64xf32>, tensor<16x64x!q4>, index) -> tensor<1x16xf32>
  return
}

// A row that gives the sums of two groups their integer scales at once wants halves of 32 columns joined, for many rows
// and numbers of which both sums fit.
// CHECK-LABEL: @joined
// CHECK-SAME: %[[X:[^:]*]]: tensor<64x256xf32>, %[[Z:[^:]*]]: tensor<8x256xf32>
func.func @joined(%x: tensor<64x256xf32>, %z: tensor<8x256xf32>, %a: tensor<16x256x!q3_k>, %b: tensor<16x256x!q6_k>, %n: index) {
  // CHECK: %[[J:.*]]:3 = mpgemm.quantize %[[X]], %{{.*}} {group = 32 : i64, joins_halves, sum_group = 16 : i64}
  // CHECK: mpgemm.mma %{{.*}}, (%[[J]]#0, %[[J]]#1, %[[J]]#2) rows %{{.*}} {joins_halves, layout
  %0 = lm.linear %x, %a rows %n {compute = #joined_q3_k} : (tensor<64x256xf32>, tensor<16x256x!q3_k>, index) -> tensor<64x16xf32>
  // CHECK: mpgemm.quantize %[[X]], %{{.*}} {group = 32 : i64, sum_group = 16 : i64}
  // CHECK: mpgemm.mma {{.*}} {layout
  %1 = lm.linear %x, %b rows %n {compute = #joined_q6_k} : (tensor<64x256xf32>, tensor<16x256x!q6_k>, index) -> tensor<64x16xf32>
  // CHECK: mpgemm.quantize %[[Z]], %{{.*}} {group = 32 : i64, sum_group = 16 : i64}
  // CHECK: mpgemm.mma {{.*}} {layout
  %2 = lm.linear %z, %a rows %n {compute = #joined_q3_k} : (tensor<8x256xf32>, tensor<16x256x!q3_k>, index) -> tensor<8x16xf32>
  return
}
