// Queries are rotated where they are read, keys where they are written.
// RUN: nibble-opt --lm-fuse-rope %s | FileCheck %s

!q = tensor<4x64xf32>
!k = tensor<4x32xf32>
!t = tensor<68x8x2xf32>
!cache = memref<2x2x256x16xf16>

// CHECK-LABEL: @rows
// CHECK-SAME: %[[Q:[^:]*]]: tensor<4x64xf32>, %[[K:[^:]*]]: tensor<4x32xf32>, %[[V:[^:]*]]: tensor<4x32xf32>, %[[T:[^:]*]]: tensor<68x8x2xf32>
// CHECK-NEXT: lm.kv_append %[[K]], %[[V]] into %{{.*}}, %{{.*}} at(%{{.*}}) rope %[[T]] {pairing = #lm.pairing<halves>}
// CHECK-NEXT: lm.attention %[[Q]], %{{.*}}, %{{.*}} at(%{{.*}}) rope %[[T]] {heads = 4 : i64, kv_heads = 2 : i64, pairing = #lm.pairing<halves>, scale
// CHECK-NEXT: return
func.func @rows(%q: !q, %k: !k, %v: !k, %t: !t, %kk: !cache, %kv: !cache, %layer: index, %pos: index, %n: index) -> !q {
  %0 = lm.rope %q, %t at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<halves>} : (!q, !t, index, index) -> !q
  %1 = lm.rope %k, %t at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<halves>} : (!k, !t, index, index) -> !k
  lm.kv_append %1, %v into %kk, %kv at (%layer, %pos, %n) : !k, !k, !cache, !cache
  %y = lm.attention %0, %kk, %kv at (%layer, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (!q, !cache, !cache, index, index, index) -> !q
  return %y : !q
}

// A rotation with a second reader, of other heads, or of other positions stays.
// CHECK-LABEL: @not
// CHECK-COUNT-3: lm.rope
// CHECK-NOT: rope %
func.func @not(%q: !q, %k: !k, %t: !t, %u: tensor<68x4x2xf32>, %kk: !cache, %kv: !cache, %pos: index, %n: index) -> (!q, !k) {
  %0 = lm.rope %q, %u at %pos, %n {head_dim = 8 : i64, pairing = #lm.pairing<halves>} : (!q, tensor<68x4x2xf32>, index, index) -> !q
  %1 = lm.rope %k, %t at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<halves>} : (!k, !t, index, index) -> !k
  lm.kv_append %1, %k into %kk, %kv at (%n, %pos, %n) : !k, !k, !cache, !cache
  %2 = lm.rope %k, %t at %n, %n {head_dim = 16 : i64, pairing = #lm.pairing<halves>} : (!k, !t, index, index) -> !k
  lm.kv_append %2, %k into %kk, %kv at (%n, %pos, %n) : !k, !k, !cache, !cache
  %y = lm.attention %0, %kk, %kv at (%n, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (!q, !cache, !cache, index, index, index) -> !q
  return %y, %1 : !q, !k
}

!q1 = tensor<1x64xf32>
!k1 = tensor<1x32xf32>

// One row over chunks: it is appended by the attention to it.
// The importer refers to the table twice.
// CHECK-LABEL: @row
// CHECK-SAME: %[[Q:[^:]*]]: tensor<1x64xf32>, %[[K:[^:]*]]: tensor<1x32xf32>, %[[V:[^:]*]]: tensor<1x32xf32>
// CHECK: %[[T:.*]] = lm.weight_ref @table
// CHECK: lm.attention_partials %[[Q]], %{{.*}}, %{{.*}} at(%{{.*}}) rope %[[T]] append %[[K]], %[[V]] {
// CHECK-NEXT: return
lm.weight @table : tensor<68x8x2xf32> from [#lm.rope_table<base = 1.0e+04 : f64, dims = 16, scaling = "none">]
func.func @row(%q: !q1, %k: !k1, %v: !k1, %kk: !cache, %kv: !cache, %layer: index, %pos: index, %n: index) -> tensor<2x4x18xf32> {
  %t = lm.weight_ref @table : !t
  %0 = lm.rope %q, %t at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<interleaved>} : (!q1, !t, index, index) -> !q1
  %u = lm.weight_ref @table : !t
  %1 = lm.rope %k, %u at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<interleaved>} : (!k1, !t, index, index) -> !k1
  lm.kv_append %1, %v into %kk, %kv at (%layer, %pos, %n) : !k1, !k1, !cache, !cache
  %y = lm.attention_partials %0, %kk, %kv at (%layer, %pos) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (!q1, !cache, !cache, index, index) -> tensor<2x4x18xf32>
  return %y : tensor<2x4x18xf32>
}

// Without a rotation, too. But not if another operation reads the cache before, or the layer is another one.
// CHECK-LABEL: @between
// CHECK-NEXT: lm.attention_partials {{.*}} append
// CHECK-NEXT: lm.kv_append
// CHECK-NEXT: lm.attention %
// CHECK-NEXT: lm.attention_partials %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} at(%{{[^)]*}}) {
// CHECK-NEXT: lm.kv_append
// CHECK-NEXT: lm.attention_partials %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} at(%{{[^)]*}}) {
func.func @between(%q: !q1, %k: !k1, %kk: !cache, %kv: !cache, %layer: index, %pos: index, %n: index)
    -> (tensor<2x4x18xf32>, !q1, tensor<2x4x18xf32>, tensor<2x4x18xf32>) {
  lm.kv_append %k, %k into %kk, %kv at (%layer, %pos, %n) : !k1, !k1, !cache, !cache
  %0 = lm.attention_partials %q, %kk, %kv at (%layer, %pos) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (!q1, !cache, !cache, index, index) -> tensor<2x4x18xf32>
  lm.kv_append %k, %k into %kk, %kv at (%layer, %pos, %n) : !k1, !k1, !cache, !cache
  %1 = lm.attention %q, %kk, %kv at (%layer, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (!q1, !cache, !cache, index, index, index) -> !q1
  %2 = lm.attention_partials %q, %kk, %kv at (%layer, %pos) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (!q1, !cache, !cache, index, index) -> tensor<2x4x18xf32>
  lm.kv_append %k, %k into %kk, %kv at (%n, %pos, %n) : !k1, !k1, !cache, !cache
  %3 = lm.attention_partials %q, %kk, %kv at (%layer, %pos) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (!q1, !cache, !cache, index, index) -> tensor<2x4x18xf32>
  return %0, %1, %2, %3 : tensor<2x4x18xf32>, !q1, tensor<2x4x18xf32>, tensor<2x4x18xf32>
}
