// Results take over the buffers of operands that nobody reads any more, in a function and through calls.
// RUN: nibble-opt --plan-arena -split-input-file %s | FileCheck %s

#l = #mpgemm.layout<element = f32, n = 64, k = 64, nr = 16, kr = 1, bias = 0>
!w = tensor<16384xi8, #l>
!x = tensor<2x64xf32>

// A layer as transformers have it: the residual stream stays in one buffer of @trunk, and the gated product in the half of
// the buffer that held the gate. 512 bytes of stream, 1024 of gate and up beside 512 of their norm.
// CHECK: lm.model {{.*}} lm.arena_bound = 2048 : i64, lm.arena_bytes = 2048 : i64
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 2 : i64}
lm.weight @norm : tensor<64xf32> from [#lm.source<"m", 0, 256, "f32">]
lm.state @hidden : memref<2x64xf32>

#g = #mpgemm.layout<element = f32, n = 128, k = 64, nr = 16, kr = 1, bias = 0>

// No buffer for a result: the first argument is it.
// CHECK-LABEL: func.func private @layer(
// CHECK-SAME: memref<2048xi8>, %{{[^:]*}}: memref<512xi8>, %{{[^:]*}}: memref<256xi8>, %[[X:[^:]*]]: memref<2x64xf32>, %{{[^:]*}}: memref<16384xi8>, %{{[^:]*}}: memref<32768xi8>, %{{[^:]*}}: memref<64xf32>, %{{[^:]*}}: index, %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: index, %{{[^:]*}}: index) {
func.func private @layer(%x: !x, %w: !w, %gates: tensor<32768xi8, #g>, %norm: tensor<64xf32>, %n: index) -> !x {
  // CHECK: lm.rms_norm %[[X]], %{{.*}} into %[[A:.*]] {
  %0 = lm.rms_norm %x, %norm, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  // CHECK: mpgemm.mma {{.*}} residual %[[X]] into %[[X]] {
  %1 = mpgemm.mma %w, (%0) rows %n residual %x {row = "r", layout = #l} : (!w, !x, index, !x) -> !x
  %2 = lm.rms_norm %1, %norm, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  // CHECK: mpgemm.mma {{.*}} into %[[BOTH:[^ ]*]] {
  %both = mpgemm.mma %gates, (%2) rows %n {row = "r", layout = #g} : (tensor<32768xi8, #g>, !x, index) -> tensor<2x128xf32>
  // CHECK: %[[GATE:.*]] = memref.subview %[[BOTH]][0, 0]
  %gate = tensor.extract_slice %both[0, 0] [2, 64] [1, 1] : tensor<2x128xf32> to !x
  // CHECK: %[[UP:.*]] = memref.subview %[[BOTH]][0, 64]
  %up = tensor.extract_slice %both[0, 64] [2, 64] [1, 1] : tensor<2x128xf32> to !x
  // CHECK: lm.glu %[[GATE]], %[[UP]], %{{.*}} into %[[GATE]] {
  %3 = lm.glu %gate, %up, %n {activation = #lm.activation<silu>} : (!x, !x, index) -> !x
  // CHECK: mpgemm.mma %{{.*}}, (%[[GATE]]) {{.*}} residual %[[X]] into %[[X]] {
  %4 = mpgemm.mma %w, (%3) rows %n residual %1 {row = "r", layout = #l} : (!w, !x, index, !x) -> !x
  return %4 : !x
}

// CHECK-LABEL: func.func @trunk(
func.func @trunk(%x: !x, %w: !w, %gates: tensor<32768xi8, #g>, %n: index) {
  %norm = lm.weight_ref @norm : tensor<64xf32>
  // CHECK: lm.rms_norm %{{.*}} into %[[S:.*]] {
  %0 = lm.rms_norm %x, %norm, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  // CHECK: call @layer(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %[[S]],
  %1 = call @layer(%0, %w, %gates, %norm, %n) : (!x, !w, tensor<32768xi8, #g>, tensor<64xf32>, index) -> !x
  // CHECK: call @layer(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %[[S]],
  %2 = call @layer(%1, %w, %gates, %norm, %n) : (!x, !w, tensor<32768xi8, #g>, tensor<64xf32>, index) -> !x
  %h = lm.state_ref @hidden : memref<2x64xf32>
  // CHECK: lm.state_write %[[S]],
  lm.state_write %2, %n into %h : !x, memref<2x64xf32>
  return
}

// -----

#l = #mpgemm.layout<element = f32, n = 64, k = 64, nr = 16, kr = 1, bias = 0>
!w = tensor<16384xi8, #l>
!x = tensor<2x64xf32>

lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 2 : i64}

// A residual that the product also multiplies is read by all threads while they write: it keeps its buffer.
// CHECK-LABEL: func.func private @square(
func.func private @square(%x: !x, %w: !w, %n: index) -> !x {
  // CHECK: mpgemm.mma %{{.*}}, (%[[X:.*]]) rows %{{.*}} residual %[[X]] into %[[Y:[^ ]*]] {
  // CHECK-NOT: into %[[X]]
  %0 = mpgemm.mma %w, (%x) rows %n residual %x {row = "r", layout = #l} : (!w, !x, index, !x) -> !x
  return %0 : !x
}

// Nor does one that is read later, here by the caller of a layer that would overwrite it: @add gets a buffer to fill.
// CHECK-LABEL: func.func private @add(
// CHECK-SAME: %[[X:[^:]*]]: memref<2x64xf32>, %[[Y:[^:]*]]: memref<2x64xf32>, %{{[^:]*}}: memref<16384xi8>, %{{[^:]*}}: index, %[[OUT:[^:]*]]: memref<2x64xf32>,
func.func private @add(%x: !x, %y: !x, %w: !w, %n: index) -> !x {
  // CHECK: mpgemm.mma %{{.*}}, (%[[Y]]) rows %{{.*}} residual %[[X]] into %[[OUT]] {
  %0 = mpgemm.mma %w, (%y) rows %n residual %x {row = "r", layout = #l} : (!w, !x, index, !x) -> !x
  return %0 : !x
}
func.func @keeps(%x: !x, %w: !w, %n: index) -> !x {
  %0 = call @square(%x, %w, %n) : (!x, !w, index) -> !x
  %1 = call @square(%0, %w, %n) : (!x, !w, index) -> !x
  %2 = call @add(%0, %1, %w, %n) : (!x, !x, !w, index) -> !x
  %3 = mpgemm.mma %w, (%0) rows %n residual %2 {row = "r", layout = #l} : (!w, !x, index, !x) -> !x
  return %3 : !x
}
