// Only weights can be packed when the program is built, and a weight has one layout.
// RUN: nibble-opt --mpgemm-fold-packs -split-input-file -verify-diagnostics %s

#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @computed(%x: tensor<16x32xf32>) {
  %0 = arith.addf %x, %x : tensor<16x32xf32>
  // expected-error @below {{packs a value that is no weight; only weights can be packed, when the program is built}}
  %p = mpgemm.pack %0 : tensor<16x32xf32> -> tensor<2048xi8, #l>
  return
}

// -----
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func @public(%w: tensor<16x32xf32>) {
  // expected-error @below {{packs an argument that is used elsewhere, too}}
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8, #l>
  return
}

// -----
// A caller hands on what is no weight.
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func private @layer(%w: tensor<16x32xf32>) {
  // expected-error @below {{packs a value that is no weight; only weights can be packed, when the program is built}}
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8, #l>
  return
}
func.func @decode(%w: tensor<16x32xf32>) {
  call @layer(%w) : (tensor<16x32xf32>) -> ()
  return
}

// -----
// Who calls through a value is unknown.
#l = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
func.func private @layer(%w: tensor<16x32xf32>) {
  // expected-error @below {{packs an argument of @layer, which is not only called}}
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8, #l>
  return
}
func.func @decode() {
  %f = func.constant @layer : (tensor<16x32xf32>) -> ()
  return
}

// -----
#a = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>
#b = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 8, kr = 1, bias = 0>
lm.weight @w : tensor<16x32xf32> from [#lm.source<"m", 0, 1, "f32">]
func.func @twice() {
  %w = lm.weight_ref @w : tensor<16x32xf32>
  %p = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8, #a>
  // expected-error @below {{needs the weight w as #mpgemm.layout<element = f32, n = 16, k = 32, nr = 8, kr = 1, bias = 0>, but another use needs it as #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0>}}
  %q = mpgemm.pack %w : tensor<16x32xf32> -> tensor<2048xi8, #b>
  return
}

// -----
func.func @table(%t: tensor<1xi32>, %e: tensor<64x32xf32>, %n: index) {
  // expected-error @below {{reads a table that is no weight}}
  %y = lm.embed %t, %e, %n : (tensor<1xi32>, tensor<64x32xf32>, index) -> tensor<1x32xf32>
  return
}

// -----
lm.weight @e : tensor<64x48x!lowbit.block<u4, 16, f16>> from [#lm.source<"m", 0, 1, "q">]
func.func @width(%t: tensor<1xi32>, %n: index) {
  %e = lm.weight_ref @e : tensor<64x48x!lowbit.block<u4, 16, f16>>
  // expected-error @below {{wrong layout: k must be a multiple of the record (the float scale's span, at least 32)}}
  %y = lm.embed %t, %e, %n : (tensor<1xi32>, tensor<64x48x!lowbit.block<u4, 16, f16>>, index) -> tensor<1x48xf32>
  return
}
