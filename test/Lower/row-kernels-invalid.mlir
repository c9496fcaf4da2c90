// RUN: nibble-opt --lower-kernels --split-input-file --verify-diagnostics %s

// What the kernels on rows cannot take is refused with the operand's name and type.

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @no_thread(%x: memref<4x16xf32>, %w: memref<16xf32>) {
  %n = arith.constant 4 : index
  // expected-error @+1 {{stands in a function whose last two arguments are not (tid, nthreads) of type index}}
  lm.rms_norm %x, %w, %n into %x {epsilon = 1.0e-05 : f64}
    : (memref<4x16xf32>, memref<16xf32>, index, memref<4x16xf32>) -> ()
  return
}
}

// -----

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @columns(%x: memref<4x16xf32, strided<[1, 4]>>, %w: memref<16xf32>, %y: memref<4x16xf32>, %n: index,
                   %tid: index, %nt: index) {
  // expected-error @+1 {{x must be a memref of rows of f32 with a static shape, a static row stride and contiguous rows}}
  lm.rms_norm %x, %w, %n into %y {epsilon = 1.0e-05 : f64}
    : (memref<4x16xf32, strided<[1, 4]>>, memref<16xf32>, index, memref<4x16xf32>) -> ()
  return
}
}

// -----

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @weight(%x: memref<4x16xf32>, %w: memref<16xi8>, %n: index, %tid: index, %nt: index) {
  // expected-error @+1 {{takes a weight of f32, f16 or bf16, but found 'i8'}}
  lm.rms_norm %x, %w, %n into %x {epsilon = 1.0e-05 : f64}
    : (memref<4x16xf32>, memref<16xi8>, index, memref<4x16xf32>) -> ()
  return
}
}

// -----

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @gap(%x: memref<4x16xf32>, %k: memref<2x1x16x16xf16, strided<[512, 256, 16, 1]>>, %layer: index,
               %pos: index, %n: index, %tid: index, %nt: index) {
  // expected-error @+1 {{keys must be a contiguous memref with a static shape}}
  lm.kv_append %x, %x into %k, %k at (%layer, %pos, %n)
    : memref<4x16xf32>, memref<4x16xf32>, memref<2x1x16x16xf16, strided<[512, 256, 16, 1]>>,
      memref<2x1x16x16xf16, strided<[512, 256, 16, 1]>>
  return
}
}

// -----

module attributes {mpgemm.target = #mpgemm.target<triple = "x86_64-linux-gnu", cpu = "znver3", features = "">} {
func.func @table(%x: memref<4x16xf32>, %t: memref<66x8x2xf16>, %pos: index, %n: index, %tid: index, %nt: index) {
  // expected-error @+1 {{takes a table of f32, but found 'memref<66x8x2xf16>'}}
  lm.rope %x, %t at %pos, %n into %x {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
    : (memref<4x16xf32>, memref<66x8x2xf16>, index, index, memref<4x16xf32>) -> ()
  return
}
}
