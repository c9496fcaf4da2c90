// Every operation of lm survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK: lm.model @tiny {architecture = "llama", chunk = 16 : i64, context = 64 : i64, embedding = 64 : i64, feed_forward = 128 : i64, head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, layers = 2 : i64, source_hash = "ab12", vocabulary = 512 : i64}
lm.model @tiny {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 4 : i64, kv_heads = 2 : i64,
  head_dim = 16 : i64, feed_forward = 128 : i64, vocabulary = 512 : i64, context = 64 : i64, chunk = 16 : i64,
  source_hash = "ab12"}

// A weight of two pieces, one that the compiler computes, one that has a place.
// CHECK: lm.weight @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m.gguf", 0, 2304, "q4_0">, #lm.source<"m.gguf", 2304, 1152, "q4_0">]
lm.weight @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m.gguf", 0, 2304, "q4_0">, #lm.source<"m.gguf", 2304, 1152, "q4_0">]
// CHECK: lm.weight @angles : tensor<66x8x2xf32> from [#lm.rope_table<base = 1.000000e+04 : f64, dims = 16, scaling = "linear", factor = 4.000000e+00 : f64>]
lm.weight @angles : tensor<66x8x2xf32> from [#lm.rope_table<base = 1.0e+04 : f64, dims = 16, scaling = "linear", factor = 4.0 : f64>]
// CHECK: lm.weight @norm : tensor<64xf32> from [#lm.source<"m.gguf", 64, 256, "f32">] {offset = 128 : i64}
lm.weight @norm : tensor<64xf32> from [#lm.source<"m.gguf", 64, 256, "f32">] {offset = 128 : i64}
// CHECK: lm.state @keys : memref<2x2x64x16xf16>
lm.state @keys : memref<2x2x64x16xf16>
// CHECK: lm.state @hidden : memref<4x64xf32> {offset = 64 : i64}
lm.state @hidden : memref<4x64xf32> {offset = 64 : i64}

// The value form has results.
// CHECK-LABEL: @value
func.func @value(%t: tensor<4xi32>, %e: tensor<512x64xf16>, %x: tensor<4x64xf32>, %k: tensor<4x32xf32>, %b: tensor<96xf32>,
                 %pos: index, %n: index, %layer: index) {
  // CHECK: lm.weight_ref @norm : tensor<64xf32>
  %norm = lm.weight_ref @norm : tensor<64xf32>
  %w = lm.weight_ref @w : tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>
  %angles = lm.weight_ref @angles : tensor<66x8x2xf32>
  // CHECK: lm.state_ref @keys : memref<2x2x64x16xf16>
  %kk = lm.state_ref @keys : memref<2x2x64x16xf16>
  %h = lm.state_ref @hidden : memref<4x64xf32>
  // CHECK: lm.embed %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<512x64xf16>, index) -> tensor<4x64xf32>
  %0 = lm.embed %t, %e, %n : (tensor<4xi32>, tensor<512x64xf16>, index) -> tensor<4x64xf32>
  // CHECK: lm.rms_norm %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64}
  %1 = lm.rms_norm %x, %norm, %n {epsilon = 1.0e-05 : f64} : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
  // CHECK: lm.linear %{{.*}}, %{{.*}} rows %{{.*}} {compute = "any"}
  %2 = lm.linear %x, %w rows %n {compute = "any"}
    : (tensor<4x64xf32>, tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<4x96xf32>
  // CHECK: lm.linear %{{.*}}, %{{.*}} bias %{{.*}} rows %{{.*}} :
  %3 = lm.linear %x, %w bias %b rows %n
    : (tensor<4x64xf32>, tensor<96x64x!lowbit.block<u4, 32, f16, zp = 8>>, index, tensor<96xf32>) -> tensor<4x96xf32>
  // CHECK: lm.rope %{{.*}}, %{{.*}} at %{{.*}}, %{{.*}} {head_dim = 16 : i64, pairing = #lm.pairing<interleaved>}
  %4 = lm.rope %x, %angles at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<interleaved>}
    : (tensor<4x64xf32>, tensor<66x8x2xf32>, index, index) -> tensor<4x64xf32>
  // CHECK: pairing = #lm.pairing<halves>
  %5 = lm.rope %x, %angles at %pos, %n {head_dim = 32 : i64, pairing = #lm.pairing<halves>}
    : (tensor<4x64xf32>, tensor<66x8x2xf32>, index, index) -> tensor<4x64xf32>
  // CHECK: lm.kv_append %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}, %{{.*}}) : tensor<4x32xf32>, tensor<4x32xf32>, memref
  lm.kv_append %k, %k into %kk, %kk at (%layer, %pos, %n)
    : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
  // CHECK: lm.attention %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}, %{{.*}}) {heads = 4 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f64}
  %6 = lm.attention %x, %kk, %kk at (%layer, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
  // CHECK: lm.glu %{{.*}}, %{{.*}}, %{{.*}} {activation = #lm.activation<silu>}
  %7 = lm.glu %x, %x, %n {activation = #lm.activation<silu>} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
  // CHECK: activation = #lm.activation<gelu>
  %8 = lm.glu %x, %x, %n {activation = #lm.activation<gelu>} : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
  // CHECK: lm.state_write %{{.*}}, %{{.*}} into %{{.*}} : tensor<4x64xf32>, memref<4x64xf32>
  lm.state_write %x, %n into %h : tensor<4x64xf32>, memref<4x64xf32>
  // CHECK: lm.state_read %{{.*}}[%{{.*}}] : (memref<4x64xf32>, index) -> tensor<1x64xf32>
  %9 = lm.state_read %h[%pos] : (memref<4x64xf32>, index) -> tensor<1x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
func.func @buffer(%t: memref<4xi32>, %e: memref<65536xi8>, %norm: memref<64xf32>, %angles: memref<66x8x2xf32>,
                  %kk: memref<2x2x64x16xf16>, %k: memref<4x32xf32>, %h: memref<4x64xf32>, %x: memref<4x64xf32>,
                  %y: memref<4x64xf32>, %z: memref<1x64xf32>, %pos: index, %n: index, %layer: index) {
  // CHECK: lm.embed %{{.*}}, %{{.*}}, %{{.*}} into %[[Y:.*]] {layout = "any"} : (memref<4xi32>, memref<65536xi8>, index, memref<4x64xf32>) -> ()
  lm.embed %t, %e, %n into %y {layout = "any"} : (memref<4xi32>, memref<65536xi8>, index, memref<4x64xf32>) -> ()
  // CHECK: lm.rms_norm {{.*}} into %[[Y]]
  lm.rms_norm %x, %norm, %n into %y {epsilon = 1.0e-05 : f64} : (memref<4x64xf32>, memref<64xf32>, index, memref<4x64xf32>) -> ()
  // CHECK: lm.rope {{.*}} into %[[Y]]
  lm.rope %x, %angles at %pos, %n into %y {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
    : (memref<4x64xf32>, memref<66x8x2xf32>, index, index, memref<4x64xf32>) -> ()
  // CHECK: lm.kv_append {{.*}} : memref<4x32xf32>, memref<4x32xf32>, memref
  lm.kv_append %k, %k into %kk, %kk at (%layer, %pos, %n)
    : memref<4x32xf32>, memref<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
  // CHECK: lm.attention {{.*}} into %[[Y]]
  lm.attention %x, %kk, %kk at (%layer, %pos, %n) into %y {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
    : (memref<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index, memref<4x64xf32>) -> ()
  // CHECK: lm.glu {{.*}} into %[[Y]]
  lm.glu %x, %x, %n into %y {activation = #lm.activation<silu>} : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xf32>) -> ()
  // CHECK: lm.state_write %{{.*}}, %{{.*}} into %{{.*}} : memref<4x64xf32>, memref<4x64xf32>
  lm.state_write %x, %n into %h : memref<4x64xf32>, memref<4x64xf32>
  // CHECK: lm.state_read %{{.*}}[%{{.*}}] into %{{.*}} : (memref<4x64xf32>, index, memref<1x64xf32>) -> ()
  lm.state_read %h[%pos] into %z : (memref<4x64xf32>, index, memref<1x64xf32>) -> ()
  return
}
