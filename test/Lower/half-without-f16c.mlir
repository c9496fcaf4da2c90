// RUN: nibble-opt --lower-kernels %s | FileCheck %s

// A machine that has no instruction for f16 converts with integers: LLVM would call a library function.
// CHECK-LABEL: func.func private @kv_append
// CHECK-NOT: truncf
// CHECK: llvm.bitcast {{.*}} : vector<16xi16> to vector<16xf16>
// CHECK-LABEL: func.func private @rms_norm
// CHECK-NOT: extf
// CHECK: llvm.load {{.*}} -> vector<16xi16>

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "x86-64", features = "">} {
func.func @f(%k: memref<4x16xf32>, %kk: memref<2x1x64x16xf16>, %w: memref<16xf16>, %layer: index, %pos: index,
             %n: index, %tid: index, %nthreads: index) {
  lm.kv_append %k, %k into %kk, %kk at (%layer, %pos, %n)
    : memref<4x16xf32>, memref<4x16xf32>, memref<2x1x64x16xf16>, memref<2x1x64x16xf16>
  lm.rms_norm %k, %w, %n into %k {epsilon = 1.0e-05 : f64}
    : (memref<4x16xf32>, memref<16xf16>, index, memref<4x16xf32>) -> ()
  return
}
}
