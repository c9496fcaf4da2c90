// Behind each operation and each barrier the runtime is called with the operation's number; the model's table says what
// each number is.
// RUN: nibble-opt --place-barriers --instrument-profile %s | FileCheck %s

!b = memref<65536xi8>
!x = memref<4x64xf32>
#layout = #mpgemm.layout<element = !lowbit.block<u4, 32, f16, zp = 8>, n = 32, k = 64, nr = 16, kr = 4, bias = 0>

// CHECK: func.func private @nibble_profile(!llvm.ptr, i32, i32, i32)

// A function keeps its numbers whatever calls it; the table follows the order of the module.
// CHECK: lm.model @m
// CHECK-SAME: lm.profile = [
// A product: its packed weight once, 1 byte a code, 4 a scale and 4 a sum of 32 codes, 4 a result; 2 · 32 · 64 operations.
// CHECK-SAME: {bytes = 1152 : i64, detail = "32 x 64 !lowbit.block<u4, 32, f16, zp = 8> by generic_base_1x4x4_s8s8s32",
// CHECK-SAME:  function = "layer", name = "mma", position_bytes = 0 : i64, row_bytes = 208 : i64, row_operations = 4096 : i64, row_position_operations = 0 : i64}
// Attention: of 2 layers and 16 positions, 256 bytes of keys and of values a position; 4 · 64 operations a position and row.
// CHECK-SAME: detail = "64 f32", function = "layer", name = "attention", position_bytes = 256 : i64, row_bytes = 512 : i64, row_operations = 0 : i64, row_position_operations = 256 : i64
// CHECK-SAME: function = "decode", name = "glu", position_bytes = 0 : i64, row_bytes = 768 : i64, row_operations = 768 : i64
module {
lm.model @m {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 512 : i64, context = 16 : i64, chunk = 4 : i64}

// CHECK-LABEL: func.func private @layer
// CHECK-SAME: %[[TEAM:[^ ]*]]: !llvm.ptr, %[[TID:[^ ]*]]: index, %{{[^ ]*}}: index)
// CHECK-NEXT: mpgemm.mma
// CHECK-NEXT: %[[T:.*]] = arith.index_cast %[[TID]]
// CHECK-NEXT: %[[OP:.*]] = arith.constant 0 : i32
// CHECK-NEXT: %[[WORKED:.*]] = arith.constant 1 : i32
// CHECK-NEXT: call @nibble_profile(%[[TEAM]], %[[T]], %[[OP]], %[[WORKED]]) : (!llvm.ptr, i32, i32, i32) -> ()
// CHECK-NEXT: lm.attention
// CHECK: call @nibble_profile
// A barrier belongs to the operation before it.
// CHECK: call @nibble_barrier
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: %[[OP:.*]] = arith.constant 1 : i32
// CHECK-NEXT: %[[WAITED:.*]] = arith.constant 2 : i32
// CHECK-NEXT: call @nibble_profile(%[[TEAM]], %{{.*}}, %[[OP]], %[[WAITED]])
// CHECK-NEXT: return
func.func private @layer(%a: !b, %s: !b, %w: !b, %weight: memref<1152xi8>, %codes: memref<4x64xi8>, %scales: memref<4x2xf32>,
                         %sums: memref<4x2xi32>, %y: memref<4x32xf32>, %q: !x, %keys: memref<2x1x16x64xf16>,
                         %values: memref<2x1x16x64xf16>, %z: !x, %layer: index, %pos: index, %n: index,
                         %team: !llvm.ptr, %tid: index, %nt: index) {
  mpgemm.mma %weight, (%codes, %scales, %sums) rows %n into %y {row = "generic_base_1x4x4_s8s8s32", layout = #layout}
    : (memref<1152xi8>, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>, index, memref<4x32xf32>) -> ()
  lm.attention %q, %keys, %values at (%layer, %pos, %n) into %z {heads = 1 : i64, kv_heads = 1 : i64, scale = 0.125 : f64}
    : (!x, memref<2x1x16x64xf16>, memref<2x1x16x64xf16>, index, index, index, !x) -> ()
  return
}

// A step begins where an entry point does.
// CHECK-LABEL: func.func @decode
// CHECK: arith.constant 0 : i32
// CHECK-NEXT: %[[BEGIN:.*]] = arith.constant 0 : i32
// CHECK-NEXT: call @nibble_profile(%{{.*}}, %{{.*}}, %{{.*}}, %[[BEGIN]])
// CHECK-NEXT: lm.glu
// CHECK: arith.constant 2 : i32
// CHECK: call @nibble_profile
// CHECK-NEXT: return
func.func @decode(%a: !b, %s: !b, %w: !b, %x: !x, %y: !x, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.glu %x, %x, %n into %y {activation = #lm.activation<silu>} : (!x, !x, index, !x) -> ()
  return
}
}
