// RUN: nibble-opt --lower-kernels %s | FileCheck %s

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
// Gate and up are the halves of one buffer.
func.func @silu(%gu: memref<4x200xf32>, %y: memref<4x100xf32>, %n: index, %tid: index, %nthreads: index) {
  %gate = memref.subview %gu[0, 0] [4, 100] [1, 1] : memref<4x200xf32> to memref<4x100xf32, strided<[200, 1]>>
  %up = memref.subview %gu[0, 100] [4, 100] [1, 1]
    : memref<4x200xf32> to memref<4x100xf32, strided<[200, 1], offset: 100>>
  lm.glu %gate, %up, %n into %y {activation = #lm.activation<silu>}
    : (memref<4x100xf32, strided<[200, 1]>>, memref<4x100xf32, strided<[200, 1], offset: 100>>, index,
       memref<4x100xf32>) -> ()
  return
}
func.func @gelu(%g: memref<4x64xf32>, %u: memref<4x64xf32>, %n: index, %tid: index, %nthreads: index) {
  lm.glu %g, %u, %n into %g {activation = #lm.activation<gelu>}
    : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  return
}
}

// CHECK-LABEL: func.func private @glu_silu_100_g200_u200_y100
// 100 columns are three blocks of 32 and a short one; its owner does it after its full blocks.
// CHECK: %[[BLOCKS:.*]] = arith.constant 4 : i64
// CHECK: arith.muli %[[BLOCKS]]
// CHECK: scf.for
// CHECK: scf.for
// CHECK: math.absf {{.*}} : vector<16xf32>
// CHECK: arith.divf {{.*}} : vector<16xf32>
// CHECK: scf.if
// CHECK: math.absf {{.*}} : vector<4xf32>

// CHECK-LABEL: func.func private @glu_gelu_64_g64_u64_y64
// CHECK-NOT: scf.if
// CHECK-NOT: math.{{exp|tanh}}
