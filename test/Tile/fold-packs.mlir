// Packing is a property of the weight after this pass: symbols, references and arguments have the packed type.
// RUN: nibble-opt --mpgemm-fold-packs %s | FileCheck %s
// CHECK-NOT: mpgemm.pack

!q8 = !lowbit.block<i8, 32, f16>
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
#tied = #mpgemm.layout<element = !q8, n = 64, k = 32, nr = 16, kr = 4, bias = 128>

// CHECK: lm.weight @a : tensor<2048xi8, #[[L:.*]]> from [#lm.source<"m", 0, 1, "f32">]
lm.weight @a : tensor<16x32xf32> from [#lm.source<"m", 0, 1, "f32">]
// CHECK: lm.weight @b : tensor<2048xi8, #[[L]]> from
lm.weight @b : tensor<16x32xf32> from [#lm.source<"m", 1, 1, "f32">]
// CHECK: lm.weight @tied : tensor<2176xi8, #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 64, k = 32, nr = 16, kr = 4, bias = 128>>
lm.weight @tied : tensor<64x32x!q8> from [#lm.source<"m", 2, 1, "q8_0">]
// 64 · (2 + 32) bytes, 64 · 32 · 2 bytes: no panel is filled up.
// CHECK: lm.weight @table : tensor<2176xi8, #mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 64, k = 32, nr = 1, kr = 4, bias = 0>>
lm.weight @table : tensor<64x32x!q8> from [#lm.source<"m", 3, 1, "q8_0">]
// CHECK: lm.weight @halves : tensor<4096xi8, #mpgemm.layout<element = f16, n = 64, k = 32, nr = 1, kr = 1, bias = 0>>
lm.weight @halves : tensor<64x32xf16> from [#lm.source<"m", 4, 1, "f16">]
// What no product and no embedding reads stays.
// CHECK: lm.weight @norm : tensor<32xf32>
lm.weight @norm : tensor<32xf32> from [#lm.source<"m", 5, 1, "f32">]

// Through the argument of a layer function, from every caller; and where the reference stands.
// CHECK: func.func private @layer(%[[X:.*]]: tensor<1x32xf32>, %[[N:.*]]: index, %[[W:.*]]: tensor<2048xi8, #[[L]]>)
// CHECK-NEXT: mpgemm.mma %[[W]], (%[[X]])
func.func private @layer(%x: tensor<1x32xf32>, %n: index, %w: tensor<16x32xf32>) -> tensor<1x16xf32> {
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8, #l>
  %y = mpgemm.mma %p, (%x) rows %n {row = "r", layout = #l} : (tensor<2048xi8, #l>, tensor<1x32xf32>, index) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}
// CHECK-LABEL: @decode
func.func @decode(%x: tensor<1x32xf32>, %n: index) -> tensor<1x16xf32> {
  // CHECK: %[[A:.*]] = lm.weight_ref @a : tensor<2048xi8, #[[L]]>
  %a = lm.weight_ref @a : tensor<16x32xf32>
  %b = lm.weight_ref @b : tensor<16x32xf32>
  // CHECK: call @layer(%{{.*}}, %{{.*}}, %[[A]]) : (tensor<1x32xf32>, index, tensor<2048xi8, #[[L]]>)
  %0 = call @layer(%x, %n, %a) : (tensor<1x32xf32>, index, tensor<16x32xf32>) -> tensor<1x16xf32>
  %1 = call @layer(%x, %n, %b) : (tensor<1x32xf32>, index, tensor<16x32xf32>) -> tensor<1x16xf32>
  return %1 : tensor<1x16xf32>
}

// An embedding reads the layout of the product that shares its table; a table of its own has its rows one after the
// other, codes in runs of four.
// CHECK-LABEL: @embed
func.func @embed(%t: tensor<1xi32>, %x: tensor<1x32xf32>, %n: index) {
  %tied = lm.weight_ref @tied : tensor<64x32x!q8>
  %table = lm.weight_ref @table : tensor<64x32x!q8>
  %halves = lm.weight_ref @halves : tensor<64x32xf16>
  // CHECK: lm.embed {{.*}} {layout = #mpgemm.layout<{{.*}} nr = 16, kr = 4, bias = 128>}
  %0 = lm.embed %t, %tied, %n : (tensor<1xi32>, tensor<64x32x!q8>, index) -> tensor<1x32xf32>
  // CHECK: lm.embed {{.*}} {layout = #mpgemm.layout<{{.*}} nr = 1, kr = 4, bias = 0>}
  %1 = lm.embed %t, %table, %n : (tensor<1xi32>, tensor<64x32x!q8>, index) -> tensor<1x32xf32>
  // CHECK: lm.embed {{.*}} {layout = #mpgemm.layout<element = f16, {{.*}} nr = 1, kr = 1, bias = 0>}
  %2 = lm.embed %t, %halves, %n : (tensor<1xi32>, tensor<64x32xf16>, index) -> tensor<1x32xf32>
  %p = mpgemm.pack %tied : tensor<64x32x!q8> -> tensor<2176xi8, #tied>
  %c, %s, %u = mpgemm.quantize %x, %n {group = 32 : i64, sum_group = 32 : i64} : (tensor<1x32xf32>, index) -> (tensor<1x32xi8>, tensor<1x1xf32>, tensor<1x1xi32>)
  // CHECK: mpgemm.mma
  %3 = mpgemm.mma %p, (%c, %s, %u) rows %n {row = "r", layout = #tied}
    : (tensor<2176xi8, #tied>, tensor<1x32xi8>, tensor<1x1xf32>, tensor<1x1xi32>, index) -> tensor<1x64xf32>
  return
}
