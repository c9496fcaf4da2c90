// What operations on rows compute, for the table of --profile: each kind counts what its definition asks for, and those that
// only move numbers count none.
// RUN: nibble-opt --place-barriers --instrument-profile %s | FileCheck %s

!x = memref<4x64xf32>

// CHECK: lm.profile = [
// A sum, a difference and its square; scale, weight and bias: 64 · 7.
// CHECK-SAME: name = "layer_norm", position_bytes = 0 : i64, row_bytes = 512 : i64, row_operations = 448 : i64
// CHECK-SAME: name = "rms_norm", {{[^}]*}}row_operations = 320 : i64
// CHECK-SAME: name = "activate", {{[^}]*}}row_operations = 704 : i64
// CHECK-SAME: name = "residual", {{[^}]*}}row_operations = 128 : i64
// CHECK-SAME: name = "logits", {{[^}]*}}row_operations = 832 : i64
// Two experts' rows beside one of x, one of the result and eight bytes of weights; a multiply-add for each of both.
// CHECK-SAME: name = "expert_sum", {{[^}]*}}row_bytes = 1032 : i64, row_operations = 256 : i64
// Three taps, b and c of 64 channels.
// CHECK-SAME: name = "short_conv", {{[^}]*}}row_operations = 512 : i64
// A record for each 128 positions: a multiply-add for each of 64 numbers.
// CHECK-SAME: name = "attention_combine", {{[^}]*}}row_position_operations = 1 : i64
// CHECK-SAME: name = "reorder", {{[^}]*}}row_operations = 0 : i64
module {
lm.model @m {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 4 : i64, kv_heads = 2 : i64,
  head_dim = 16 : i64, feed_forward = 64 : i64, vocabulary = 512 : i64, context = 256 : i64, chunk = 4 : i64}
func.func @decode(%w: memref<64xf32>, %x: !x, %y: !x, %branch: memref<8x64xf32>, %weights: memref<4x2xf32>,
                  %bcx: memref<4x192xf32>, %taps: memref<64x3xf32>, %history: memref<2x256x64xf16>,
                  %partials: memref<2x4x18xf32>, %one: memref<1x64xf32>, %order: memref<64xi32>, %layer: index, %pos: index, %n: index,
                  %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.layer_norm %x, %w bias %w, %n into %y {epsilon = 1.0e-05 : f64} : (!x, memref<64xf32>, memref<64xf32>, index, !x) -> ()
  lm.rms_norm %y, %w, %n residual %x into %y {epsilon = 1.0e-05 : f64} : (!x, memref<64xf32>, index, !x, !x) -> ()
  lm.activate %y, %n into %x {activation = #lm.activation<gelu_erf>} : (!x, index, !x) -> ()
  lm.residual %x, %y, %n into %y {scale = 0.22 : f64} : (!x, !x, index, !x) -> ()
  lm.logits %y, %n into %x {scale = 0.5 : f64, softcap = 3.0e+01 : f64} : (!x, index, !x) -> ()
  lm.expert_sum %x, %branch, %weights, %n into %y : (!x, memref<8x64xf32>, memref<4x2xf32>, index, !x) -> ()
  lm.short_conv %bcx, %taps, %history at (%layer, %pos, %n) into %x
    : (memref<4x192xf32>, memref<64x3xf32>, memref<2x256x64xf16>, index, index, index, !x) -> ()
  lm.attention_combine %partials at %pos into %one : (memref<2x4x18xf32>, index, memref<1x64xf32>) -> ()
  lm.reorder %x, %order, %n into %y : (!x, memref<64xi32>, index, !x) -> ()
  return
}
}
