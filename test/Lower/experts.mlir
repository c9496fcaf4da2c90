// Experts, their choice and their sum are kernels; the place of a panel is computed from the expert that was chosen.
// RUN: nibble-opt --lower-kernels %s | FileCheck %s

#layout = #mpgemm.layout<element = f32, n = 32, k = 32, nr = 16, kr = 1, bias = 0>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
// CHECK-LABEL: func.func @layer
// CHECK: call @top_2_of_2_x2_normalized
// CHECK: call @expert_mma_generic_base_1x4x1_f32f32f32_f32_b0_n32_k32_m8_e2_r2_
// CHECK: call @expert_sum_2_16_x16_b16_w2_y16
func.func @layer(%w: memref<4096xi8>, %s: memref<4x2xf32>, %x: memref<4x32xf32>, %r: memref<4x16xf32>, %c: memref<4x2xi32>, %p: memref<4x2xf32>, %b: memref<8x16xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nthreads: index) {
  lm.top_k %s, %n into %c, %p {k = 2 : i64, normalize} : (memref<4x2xf32>, index, memref<4x2xi32>, memref<4x2xf32>) -> ()
  mpgemm.expert_mma %w, (%x), %c rows %n into %b {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #layout}
    : (memref<4096xi8>, memref<4x32xf32>, memref<4x2xi32>, index, memref<8x16xf32>) -> ()
  lm.expert_sum %r, %b, %p, %n into %r : (memref<4x16xf32>, memref<8x16xf32>, memref<4x2xf32>, index, memref<4x16xf32>) -> ()
  return
}
func.func @token(%w: memref<4096xi8>, %x: memref<1x32xf32>, %c: memref<1x2xi32>, %b: memref<2x16xf32>, %n: index, %tid: index, %nthreads: index) {
  mpgemm.expert_mma %w, (%x), %c rows %n into %b {row = "generic_base_1x4x1_f32f32f32", experts = 2 : i64, layout = #layout}
    : (memref<4096xi8>, memref<1x32xf32>, memref<1x2xi32>, index, memref<2x16xf32>) -> ()
  return
}
}

// Many rows: for each expert, those that chose it are copied, and its panel is found: 2048 bytes each, one for each of two
// experts.
// CHECK-LABEL: func.func private @expert_mma_generic_base_1x4x1_f32f32f32_f32_b0_n32_k32_m8_
// CHECK: scf.for %[[EXPERT:[a-z0-9]*]] =
// CHECK: scf.while
// CHECK: %[[CHOSEN:.*]] = arith.extui %{{.*}} : i32 to i64
// CHECK: %[[IS:.*]] = arith.cmpi eq, %[[CHOSEN]], %[[EXPERT]]
// CHECK: scf.if %[[IS]]
// CHECK: arith.constant 2048 : i64
// CHECK: llvm.store %{{.*}} : vector<4xf32>, !llvm.ptr

// One row: its experts one after the other, each from panel to panel.
// CHECK-LABEL: func.func private @expert_mma_generic_base_1x4x1_f32f32f32_f32_b0_n32_k32_m2_
// CHECK-NOT: scf.while
// CHECK: scf.for
// CHECK-NEXT: arith.constant 1 : i64
// CHECK-NEXT: scf.for
// CHECK: %[[EXPERT:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i32
// CHECK: arith.extui %[[EXPERT]] : i32 to i64
// CHECK: arith.constant 2048 : i64
