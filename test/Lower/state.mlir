// RUN: nibble-opt --lower-kernels %s | FileCheck %s

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @append(%kv: memref<4x64xf32>, %kk: memref<2x2x64x16xf16>, %vv: memref<2x2x64x16xf16>, %layer: index,
                  %pos: index, %n: index, %tid: index, %nthreads: index) {
  %k = memref.subview %kv[0, 0] [4, 32] [1, 1] : memref<4x64xf32> to memref<4x32xf32, strided<[64, 1]>>
  %v = memref.subview %kv[0, 32] [4, 32] [1, 1] : memref<4x64xf32> to memref<4x32xf32, strided<[64, 1], offset: 32>>
  lm.kv_append %k, %v into %kk, %vv at (%layer, %pos, %n)
    : memref<4x32xf32, strided<[64, 1]>>, memref<4x32xf32, strided<[64, 1], offset: 32>>, memref<2x2x64x16xf16>,
      memref<2x2x64x16xf16>
  return
}
func.func @hidden(%x: memref<4x48xf32>, %state: memref<8x48xf32>, %y: memref<1x48xf32>, %row: index, %n: index,
                  %tid: index, %nthreads: index) {
  lm.state_write %x, %n into %state : memref<4x48xf32>, memref<8x48xf32>
  lm.state_read %state[%row] into %y : (memref<8x48xf32>, index, memref<1x48xf32>) -> ()
  return
}
}

// CHECK-LABEL: func.func private @kv_append_2x64x16_f16_f16_k64_v64
// A key goes down a column of its block of 16 positions, element by element; a value is a row.
// CHECK: arith.truncf {{.*}} : vector<16xf32> to vector<16xf16>
// CHECK-COUNT-16: llvm.store {{.*}} : f16, !llvm.ptr
// CHECK: llvm.store {{.*}} : vector<16xf16>, !llvm.ptr

// CHECK-LABEL: func.func private @state_write_48_x48_s48
// CHECK-LABEL: func.func private @state_read_48_s48
