// Rotations that readers and writers took over are part of their kernels.
// RUN: nibble-opt --lower-kernels %s | FileCheck %s

!c = memref<1x2x256x16xf16>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @append(%k: memref<4x32xf32>, %c: !c, %t: memref<68x8x2xf32>, %i: index, %tid: index, %nt: index) {
  lm.kv_append %k, %k into %c, %c at (%i, %i, %i) rope %t {pairing = #lm.pairing<halves>}
    : memref<4x32xf32>, memref<4x32xf32>, !c, !c, memref<68x8x2xf32>
  return
}
func.func @attend(%q: memref<4x64xf32>, %c: !c, %t: memref<68x8x2xf32>, %y: memref<4x64xf32>, %i: index, %tid: index, %nt: index) {
  lm.attention %q, %c, %c at (%i, %i, %i) rope %t into %y {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, pairing = #lm.pairing<halves>}
    : (memref<4x64xf32>, !c, !c, index, index, index, memref<68x8x2xf32>, memref<4x64xf32>) -> ()
  return
}
func.func @records(%q: memref<1x64xf32>, %c: !c, %t: memref<68x8x2xf32>, %k: memref<1x32xf32>, %r: memref<2x4x18xf32>, %i: index,
                   %tid: index, %nt: index) {
  lm.attention_partials %q, %c, %c at (%i, %i) rope %t append %k, %k into %r
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, pairing = #lm.pairing<interleaved>}
    : (memref<1x64xf32>, !c, !c, index, index, memref<68x8x2xf32>, memref<1x32xf32>, memref<1x32xf32>, memref<2x4x18xf32>) -> ()
  return
}
}

// A key is turned into memory of the thread, and then written to its column.
// CHECK-LABEL: func.func private @kv_append_2x256x16_f16_f16_rope_halves_r16_k32_v32
// CHECK: %[[SCRATCH:.*]] = llvm.alloca
// CHECK: llvm.store %{{.*}}, %[[SCRATCH]] {{.*}} : vector<8xf32>
// CHECK: %[[KEY:.*]] = llvm.load %{{.*}} : !llvm.ptr -> vector<16xf32>
// CHECK: arith.truncf %[[KEY]]
// CHECK-COUNT-16: llvm.store {{.*}} : f16, !llvm.ptr

// CHECK-LABEL: func.func private @attention_4h_{{.*}}_rope_halves_r16(
// CHECK: llvm.intr.fmuladd

// Only the thread with the row's own chunk writes.
// CHECK-LABEL: func.func private @attention_partials_{{.*}}_rope_interleaved_r16_append(
// CHECK: %[[OWN:.*]] = arith.cmpi eq
// CHECK: scf.if %[[OWN]]
// CHECK-COUNT-16: llvm.store {{.*}} : f16, !llvm.ptr
