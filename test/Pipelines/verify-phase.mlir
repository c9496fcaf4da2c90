// Each phase's contract, broken once; what keeps it passes.
// RUN: split-file %s %t
// RUN: not nibble-opt --verify-phase=phase=simplify %t/early.mlir 2>&1 | FileCheck %s --check-prefix=EARLY
// RUN: not nibble-opt --verify-phase=phase=legalize %t/linear.mlir 2>&1 | FileCheck %s --check-prefix=LEGALIZE
// RUN: not nibble-opt --verify-phase=phase=tile %t/linear.mlir 2>&1 | FileCheck %s --check-prefix=TILE
// RUN: not nibble-opt --verify-phase=phase=tile %t/early.mlir 2>&1 | FileCheck %s --check-prefix=PACK
// RUN: not nibble-opt --verify-phase=phase=tile %t/lowbit.mlir 2>&1 | FileCheck %s --check-prefix=LOWBIT
// RUN: not nibble-opt --verify-phase=phase=bufferize %t/tensor.mlir 2>&1 | FileCheck %s --check-prefix=TENSOR
// RUN: not nibble-opt --verify-phase=phase=bufferize %t/signature.mlir 2>&1 | FileCheck %s --check-prefix=SIGNATURE
// RUN: not nibble-opt --verify-phase=phase=bufferize %t/alloc.mlir 2>&1 | FileCheck %s --check-prefix=ALLOC
// RUN: not nibble-opt --verify-phase=phase=lower %t/buffer.mlir 2>&1 | FileCheck %s --check-prefix=LOWER
// RUN: not nibble-opt --verify-phase=phase=polish %t/buffer.mlir 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: nibble-opt --verify-phase=phase=import --verify-phase=phase=simplify %t/linear.mlir
// RUN: nibble-opt --verify-phase=phase=tile --verify-phase=phase=bufferize %t/buffer.mlir
// RUN: nibble-opt --verify-phase=phase=lower %t/llvm.mlir

// EARLY: error: after phase simplify, 'mpgemm.pack' belongs to a later phase
// PACK: error: after phase tile, 'mpgemm.pack' packs a weight at run time
//--- early.mlir
func.func @f(%w: tensor<16x32xf32>) {
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8, #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>>
  return
}

// LEGALIZE: error: after phase legalize, 'lm.linear' is a linear without legal types
// TILE: error: after phase tile, 'lm.linear' is a linear that was not tiled
//--- linear.mlir
func.func @f(%x: tensor<1x32xf32>, %w: tensor<16x32xf32>, %n: index) {
  %y = lm.linear %x, %w rows %n : (tensor<1x32xf32>, tensor<16x32xf32>, index) -> tensor<1x16xf32>
  return
}

// LOWBIT: error: after phase tile, 'lm.embed' reads a low-bit tensor that has no layout
//--- lowbit.mlir
func.func @f(%t: tensor<1xi32>, %e: tensor<64x32x!lowbit.block<i8, 32, f16>>, %n: index) {
  %y = lm.embed %t, %e, %n : (tensor<1xi32>, tensor<64x32x!lowbit.block<i8, 32, f16>>, index) -> tensor<1x32xf32>
  return
}

// TENSOR: error: after phase bufferize, 'lm.state_read' still handles a tensor
//--- tensor.mlir
func.func @f(%s: memref<4x32xf32>, %row: index) {
  %y = lm.state_read %s[%row] : (memref<4x32xf32>, index) -> tensor<1x32xf32>
  return
}

// SIGNATURE: error: after phase bufferize, 'func.func' still handles a tensor
//--- signature.mlir
func.func private @f(tensor<1x32xf32>)

// ALLOC: error: after phase bufferize, 'memref.alloc' allocates
//--- alloc.mlir
func.func @f() {
  %m = memref.alloc() : memref<4xf32>
  return
}

// LOWER: error: after phase lower, '{{.*}}' is not of the llvm dialect
// NAME: error: verify-phase: there is no phase 'polish'
//--- buffer.mlir
func.func @f(%s: memref<4x32xf32>, %y: memref<1x32xf32>, %row: index) {
  lm.state_read %s[%row] into %y : (memref<4x32xf32>, index, memref<1x32xf32>) -> ()
  return
}

//--- llvm.mlir
llvm.func @f() { llvm.return }
