// One model of one layer through all phases, each as the pipeline nibble-PHASE, each looked at once.
// RUN: nibble-opt --nibble-simplify %s -o %t.simplify.mlir && FileCheck %s --check-prefix=SIMPLIFY < %t.simplify.mlir
// RUN: nibble-opt --nibble-legalize %t.simplify.mlir -o %t.legalize.mlir && FileCheck %s --check-prefix=LEGALIZE < %t.legalize.mlir
// RUN: nibble-opt --nibble-tile %t.legalize.mlir -o %t.tile.mlir && FileCheck %s --check-prefix=TILE < %t.tile.mlir
// RUN: nibble-opt --nibble-bufferize %t.tile.mlir -o %t.bufferize.mlir && FileCheck %s --check-prefix=BUFFERIZE < %t.bufferize.mlir
// RUN: nibble-opt --nibble-lower %t.bufferize.mlir -o %t.lower.mlir && FileCheck %s --check-prefix=LOWER < %t.lower.mlir

// In one go, and with the options of a pipeline.
// RUN: nibble-opt --nibble-simplify --nibble-legalize=strategy=float --nibble-tile --nibble-bufferize --nibble-lower %s | FileCheck %s --check-prefix=LOWER
// RUN: nibble-opt --nibble-legalize=strategy=float %s | FileCheck %s --check-prefix=FLOAT
// FLOAT-COUNT-3: activation = f32
// A phase's verifier stops a module that skipped one.
// RUN: not nibble-opt --nibble-tile %s 2>&1 | FileCheck %s --check-prefix=SKIPPED
// SKIPPED: error: {{.*}}has no attribute `compute`; run legalize-linears first

!q4 = !lowbit.block<u4, 32, f16, zp = 8>
!q8 = !lowbit.block<i8, 32, f16>
module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 512 : i64, context = 16 : i64, chunk = 1 : i64}
lm.weight @table : tensor<512x64x!q8> from [#lm.source<"m", 0, 34816, "q8_0">]
lm.weight @norm : tensor<64xf32> from [#lm.source<"m", 0, 256, "f32">]
lm.weight @gate : tensor<64x64x!q4> from [#lm.source<"m", 0, 2304, "q4_0">]
lm.weight @up : tensor<64x64x!q4> from [#lm.source<"m", 0, 2304, "q4_0">]

// Gate and up are one.
// SIMPLIFY: func.func private @layer
// SIMPLIFY-COUNT-1: lm.linear
// SIMPLIFY: func.func @decode

// LEGALIZE: func.func private @layer
// LEGALIZE: lm.linear {{.*}} {compute = #mpgemm.compute<weight = !lowbit.block<u4, 32, f16, zp = 8>, activation = i8

// TILE: lm.weight @table : tensor<{{[0-9]+}}xi8, #mpgemm.layout<
// TILE-NOT: lm.linear
// TILE: func.func private @layer
// TILE: mpgemm.norm_quantize
// TILE: mpgemm.mma
// TILE: func.func @decode
// TILE: lm.embed {{.*}} {layout =
// TILE-NOT: mpgemm.pack

// BUFFERIZE: lm.model {{.*}}lm.arena_bytes
// BUFFERIZE-NOT: -> tensor
// BUFFERIZE: func.func private @layer
// BUFFERIZE: call @nibble_barrier
// BUFFERIZE: mpgemm.mma {{.*}} into

// LOWER-NOT: func.func
// LOWER: llvm.func @layer
// LOWER: llvm.func internal @decode
// LOWER: llvm.func @nibble_decode
func.func private @layer(%x: tensor<1x64xf32>, %n: index, %norm: tensor<64xf32>, %gate: tensor<64x64x!q4>, %up: tensor<64x64x!q4>) -> tensor<1x64xf32> {
  %h = lm.rms_norm %x, %norm, %n {epsilon = 1.0e-05 : f64} : (tensor<1x64xf32>, tensor<64xf32>, index) -> tensor<1x64xf32>
  %g = lm.linear %h, %gate rows %n : (tensor<1x64xf32>, tensor<64x64x!q4>, index) -> tensor<1x64xf32>
  %u = lm.linear %h, %up rows %n : (tensor<1x64xf32>, tensor<64x64x!q4>, index) -> tensor<1x64xf32>
  %y = lm.glu %g, %u, %n {activation = #lm.activation<silu>} : (tensor<1x64xf32>, tensor<1x64xf32>, index) -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}
func.func @decode(%t: tensor<1xi32>, %pos: index, %n: index) -> tensor<1x512xf32> {
  %table = lm.weight_ref @table : tensor<512x64x!q8>
  %norm = lm.weight_ref @norm : tensor<64xf32>
  %gate = lm.weight_ref @gate : tensor<64x64x!q4>
  %up = lm.weight_ref @up : tensor<64x64x!q4>
  %x = lm.embed %t, %table, %n : (tensor<1xi32>, tensor<512x64x!q8>, index) -> tensor<1x64xf32>
  %y = call @layer(%x, %n, %norm, %gate, %up) : (tensor<1x64xf32>, index, tensor<64xf32>, tensor<64x64x!q4>, tensor<64x64x!q4>) -> tensor<1x64xf32>
  %z = lm.linear %y, %table rows %n : (tensor<1x64xf32>, tensor<512x64x!q8>, index) -> tensor<1x512xf32>
  return %z : tensor<1x512xf32>
}
}
