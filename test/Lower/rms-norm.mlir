// RUN: nibble-opt --lower-kernels %s | FileCheck %s

// The kernel's name spells out width, strides, type of the weight and the bits of epsilon; the slice's offset is part
// of the pointer, and the thread's number and the size of the team come last.
// CHECK-LABEL: func.func @slice
// CHECK: %[[X:.*]] = llvm.getelementptr %{{.*}}[%c4_i64]
// CHECK: call @rms_norm_20_x24_y20_f16_e3727c5ac(%[[X]], {{.*}}) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, i64) -> ()

// Decode and prefill of equal strides share one kernel.
// CHECK-LABEL: func.func @one_row
// CHECK: call @rms_norm_20_x24_y20_f16_e3727c5ac

// One row of whole blocks of 32 columns is shared by blocks, in a kernel of its own; not where it is written over.
// CHECK-LABEL: func.func @blocks
// CHECK: call @rms_norm_64_x64_y64_f32_e3727c5ac_blocks
// CHECK: call @rms_norm_64_x64_y64_f32_e3727c5ac(
// CHECK: func.func private @rms_norm_20_x24_y20_f16_e3727c5ac
// CHECK-SAME: passthrough = ["noinline"]
// CHECK-NOT: func.func private @rms_norm_20

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @slice(%x: memref<4x20xf32, strided<[24, 1], offset: 4>>, %w: memref<20xf16>, %y: memref<4x20xf32>,
                 %n: index, %tid: index, %nthreads: index) {
  lm.rms_norm %x, %w, %n into %y {epsilon = 1.0e-05 : f64}
    : (memref<4x20xf32, strided<[24, 1], offset: 4>>, memref<20xf16>, index, memref<4x20xf32>) -> ()
  return
}
func.func @one_row(%x: memref<1x20xf32, strided<[24, 1]>>, %w: memref<20xf16>, %y: memref<1x20xf32>,
                   %n: index, %tid: index, %nthreads: index) {
  lm.rms_norm %x, %w, %n into %y {epsilon = 1.0e-05 : f64}
    : (memref<1x20xf32, strided<[24, 1]>>, memref<20xf16>, index, memref<1x20xf32>) -> ()
  return
}
func.func @blocks(%x: memref<1x64xf32>, %w: memref<64xf32>, %y: memref<1x64xf32>, %n: index, %tid: index,
                  %nthreads: index) {
  lm.rms_norm %x, %w, %n into %y {epsilon = 1.0e-05 : f64} : (memref<1x64xf32>, memref<64xf32>, index, memref<1x64xf32>) -> ()
  lm.rms_norm %y, %w, %n into %y {epsilon = 1.0e-05 : f64} : (memref<1x64xf32>, memref<64xf32>, index, memref<1x64xf32>) -> ()
  return
}
}

// The share of a thread: rows [n·tid/nthreads, n·(tid+1)/nthreads).
// CHECK-DAG: %[[FROM:.*]] = arith.divsi
// CHECK-DAG: %[[TO:.*]] = arith.divsi
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]]
// The rest of the row, 4 elements, is a vector of its own, filled up with zeros for the sum.
// CHECK: llvm.load {{.*}} -> vector<4xf32>
// CHECK: vector.shuffle %{{.*}} [0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]
// CHECK: math.sqrt
// CHECK: arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
