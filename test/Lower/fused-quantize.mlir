// Kernels of fused quantizations store no numbers that they quantize, but for those of two blocks of a gated unit.
// RUN: nibble-opt --lower-kernels %s | FileCheck %s

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @norm(%x: memref<4x96xf32>, %w: memref<96xf16>, %c: memref<4x96xi8>, %s: memref<4x3xf32>, %t: memref<4x3xi32>,
                %n: index, %tid: index, %nt: index) {
  mpgemm.norm_quantize %x, %w, %n into %c, %s, %t {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64}
    : (memref<4x96xf32>, memref<96xf16>, index, memref<4x96xi8>, memref<4x3xf32>, memref<4x3xi32>) -> ()
  return
}
func.func @replicated(%x: memref<1x96xf32>, %w: memref<96xf32>, %b: memref<96xf32>, %c: memref<1x96xi8>, %s: memref<1x3xf32>,
                      %t: memref<1x3xi32>, %n: index, %tid: index, %nt: index) {
  mpgemm.norm_quantize %x, %w bias %b, %n into %c, %s, %t {epsilon = 1.0e-05 : f64, group = 32 : i64, sum_group = 32 : i64, centred, replicated}
    : (memref<1x96xf32>, memref<96xf32>, memref<96xf32>, index, memref<1x96xi8>, memref<1x3xf32>, memref<1x3xi32>) -> ()
  return
}
func.func @glu(%g: memref<4x64xf32>, %u: memref<4x64xf32>, %c: memref<2x128xi8>, %s: memref<2x8xf32>, %t: memref<2x8xi32>,
               %n: index, %tid: index, %nt: index) {
  mpgemm.glu_quantize %g, %u, %n into %c, %s, %t {activation = #lm.activation<silu>, group = 32 : i64, sum_group = 32 : i64}
    : (memref<4x64xf32>, memref<4x64xf32>, index, memref<2x128xi8>, memref<2x8xf32>, memref<2x8xi32>) -> ()
  return
}
}

// Items are (row, block); the sums of a row are taken once for those of its blocks that are the thread's.
// CHECK-LABEL: func.func private @rms_norm_quantize_96_g32_s32_x96_f16_e3727c5ac
// CHECK-SAME: %[[TID:[^ ]*]]: i64, %[[THREADS:[^ ]*]]: i64)
// CHECK: arith.muli %{{.*}}, %[[TID]]
// CHECK: arith.divsi %{{.*}}, %[[THREADS]]
// CHECK: scf.for
// CHECK: math.sqrt
// CHECK: scf.for
// CHECK-NOT: llvm.store {{.*}} : vector<{{.*}}xf32>
// CHECK: llvm.store {{.*}} : f32, !llvm.ptr
// CHECK: llvm.store {{.*}} : vector<32xi8>, !llvm.ptr
// CHECK: llvm.store {{.*}} : i32, !llvm.ptr

// A replicated one does not look at the thread's number.
// CHECK-LABEL: func.func private @layer_norm_quantize_96_g32_s32_x96_f32_e3727c5ac_bf32_replicated
// CHECK-SAME: %[[TID:[^ ]*]]: i64, %[[THREADS:[^ ]*]]: i64)
// CHECK-NOT: %[[TID]]
// CHECK: return

// The unit's function is computed 16 columns at a time, in a loop; a pair's numbers stand twice.
// CHECK-LABEL: func.func private @glu_quantize_silu_64_g32_s32_i2_g64_u64
// CHECK: %[[NUMBERS:.*]] = llvm.alloca %{{.*}} x f32
// CHECK: math.absf {{.*}} : vector<16xf32>
// CHECK-NOT: math.absf
// CHECK: llvm.store {{.*}} : vector<16xf32>
// CHECK: llvm.load %[[NUMBERS]] {{.*}} -> vector<64xf32>
// CHECK-NOT: llvm.store {{.*}} : vector<16xf32>
// CHECK: llvm.store {{.*}} : vector<2xf32>, !llvm.ptr
// CHECK-COUNT-4: llvm.store {{.*}} : vector<8xi8>, !llvm.ptr
