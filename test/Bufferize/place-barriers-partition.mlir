// Between operations that split a buffer alike, thread by thread, no barrier stands.
// RUN: nibble-opt --place-barriers %s | FileCheck %s

!b = memref<16384xi8>
!cache = memref<1x2x16x16xf16>

// A thread stores the keys of the heads that it rotated.
// CHECK-LABEL: func.func @heads
// CHECK: lm.rope
// CHECK-NEXT: lm.kv_append
// CHECK-NEXT: return
func.func @heads(%a: !b, %s: !b, %w: !b, %k: memref<4x32xf32>, %v: memref<4x32xf32>, %t: memref<65x8x2xf32>, %y: memref<4x32xf32>,
                 %kk: !cache, %kv: !cache, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.rope %k, %t at %n, %n into %y {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
    : (memref<4x32xf32>, memref<65x8x2xf32>, index, index, memref<4x32xf32>) -> ()
  lm.kv_append %y, %v into %kk, %kv at (%n, %n, %n) : memref<4x32xf32>, memref<4x32xf32>, !cache, !cache
  return
}

// Any thread's query may need any position of the cache.
// CHECK-LABEL: func.func @cache
// CHECK: lm.kv_append
// CHECK: call @nibble_barrier
// CHECK-NEXT: lm.attention
func.func @cache(%a: !b, %s: !b, %w: !b, %k: memref<1x32xf32>, %v: memref<1x32xf32>, %y: memref<1x32xf32>,
                 %kk: !cache, %kv: !cache, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.kv_append %k, %v into %kk, %kv at (%n, %n, %n) : memref<1x32xf32>, memref<1x32xf32>, !cache, !cache
  lm.attention %k, %kk, %kv at (%n, %n, %n) into %y {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (memref<1x32xf32>, !cache, !cache, index, index, index, memref<1x32xf32>) -> ()
  return
}

// The same split in other units is another split: two heads of 16 are not four heads of 8.
// CHECK-LABEL: func.func @units
// CHECK: lm.rope
// CHECK: call @nibble_barrier
// CHECK-NEXT: lm.rope
func.func @units(%a: !b, %s: !b, %w: !b, %x: memref<4x32xf32>, %t: memref<65x8x2xf32>, %u: memref<65x4x2xf32>, %y: memref<4x32xf32>,
                 %z: memref<4x32xf32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.rope %x, %t at %n, %n into %y {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
    : (memref<4x32xf32>, memref<65x8x2xf32>, index, index, memref<4x32xf32>) -> ()
  lm.rope %y, %u at %n, %n into %z {head_dim = 8 : i64, pairing = #lm.pairing<halves>}
    : (memref<4x32xf32>, memref<65x4x2xf32>, index, index, memref<4x32xf32>) -> ()
  return
}

// A single row is split into blocks of 32 columns by the product of gate and up and by its quantization; several rows
// are split otherwise.
// CHECK-LABEL: func.func @blocks
// CHECK: lm.glu
// CHECK-NEXT: mpgemm.quantize
// CHECK-NEXT: lm.glu
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: call @nibble_barrier
// CHECK-NEXT: mpgemm.quantize
func.func @blocks(%a: !b, %s: !b, %w: !b, %x: memref<1x64xf32>, %y: memref<1x64xf32>, %c: memref<1x64xi8>, %d: memref<1x2xf32>,
                  %e: memref<1x2xi32>, %x4: memref<4x64xf32>, %y4: memref<4x64xf32>, %c4: memref<4x64xi8>, %d4: memref<4x2xf32>,
                  %e4: memref<4x2xi32>, %n: index, %team: !llvm.ptr, %tid: index, %nt: index) {
  lm.glu %x, %x, %n into %y {activation = #lm.activation<silu>} : (memref<1x64xf32>, memref<1x64xf32>, index, memref<1x64xf32>) -> ()
  mpgemm.quantize %y, %n into %c, %d, %e {group = 32 : i64, sum_group = 32 : i64}
    : (memref<1x64xf32>, index, memref<1x64xi8>, memref<1x2xf32>, memref<1x2xi32>) -> ()
  lm.glu %x4, %x4, %n into %y4 {activation = #lm.activation<silu>} : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  mpgemm.quantize %y4, %n into %c4, %d4, %e4 {group = 32 : i64, sum_group = 32 : i64}
    : (memref<4x64xf32>, index, memref<4x64xi8>, memref<4x2xf32>, memref<4x2xi32>) -> ()
  return
}
