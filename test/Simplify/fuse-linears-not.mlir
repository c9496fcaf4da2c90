// Where linears must stay apart, lm-fuse-linears changes nothing.
// RUN: nibble-opt --lm-fuse-linears %s | FileCheck %s
// CHECK-NOT: extract_slice
// CHECK-NOT: lm.weight @"

lm.weight @a : tensor<32x64xf32> from [#lm.source<"m", 0, 1, "f32">]
lm.weight @b : tensor<32x64xf32> from [#lm.source<"m", 1, 1, "f32">]
lm.weight @c : tensor<32x64xf16> from [#lm.source<"m", 2, 1, "f16">]
lm.weight @bias : tensor<32xf32> from [#lm.source<"m", 3, 1, "f32">]

// Two weight types, two inputs, two counts of rows, one bias.
// CHECK-LABEL: func.func @unequal
// CHECK-COUNT-5: lm.linear
func.func @unequal(%x: tensor<1x64xf32>, %y: tensor<1x64xf32>, %n: index, %m: index) {
  %a = lm.weight_ref @a : tensor<32x64xf32>
  %b = lm.weight_ref @b : tensor<32x64xf32>
  %c = lm.weight_ref @c : tensor<32x64xf16>
  %bias = lm.weight_ref @bias : tensor<32xf32>
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %1 = lm.linear %x, %c rows %n : (tensor<1x64xf32>, tensor<32x64xf16>, index) -> tensor<1x32xf32>
  %2 = lm.linear %y, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %3 = lm.linear %x, %b rows %m : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %4 = lm.linear %x, %b bias %bias rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index, tensor<32xf32>) -> tensor<1x32xf32>
  return
}

// An argument that has a second use keeps its type.
// CHECK-LABEL: func.func private @used_twice
// CHECK-COUNT-3: lm.linear
func.func private @used_twice(%x: tensor<1x64xf32>, %y: tensor<1x64xf32>, %n: index, %a: tensor<32x64xf32>, %b: tensor<32x64xf32>) {
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %1 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %2 = lm.linear %y, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  return
}

// A public function may be called from elsewhere.
// CHECK-LABEL: func.func @public
// CHECK-COUNT-2: lm.linear
func.func @public(%x: tensor<1x64xf32>, %n: index, %a: tensor<32x64xf32>, %b: tensor<32x64xf32>) {
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %1 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  return
}

// One weight of two comes from within.
// CHECK-LABEL: func.func private @mixed
// CHECK-COUNT-2: lm.linear
func.func private @mixed(%x: tensor<1x64xf32>, %n: index, %a: tensor<32x64xf32>) {
  %b = lm.weight_ref @b : tensor<32x64xf32>
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %1 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  return
}

// A caller hands on what is no weight.
// CHECK-LABEL: func.func private @computed
// CHECK-COUNT-2: lm.linear
func.func private @computed(%x: tensor<1x64xf32>, %n: index, %a: tensor<32x64xf32>, %b: tensor<32x64xf32>) {
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  %1 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<32x64xf32>, index) -> tensor<1x32xf32>
  return
}

// CHECK-LABEL: func.func @caller
// CHECK: call @used_twice
func.func @caller(%x: tensor<1x64xf32>, %w: tensor<32x64xf32>, %n: index) {
  %a = lm.weight_ref @a : tensor<32x64xf32>
  %b = lm.weight_ref @b : tensor<32x64xf32>
  call @used_twice(%x, %x, %n, %a, %b) : (tensor<1x64xf32>, tensor<1x64xf32>, index, tensor<32x64xf32>, tensor<32x64xf32>) -> ()
  call @mixed(%x, %n, %a) : (tensor<1x64xf32>, index, tensor<32x64xf32>) -> ()
  call @computed(%x, %n, %a, %w) : (tensor<1x64xf32>, index, tensor<32x64xf32>, tensor<32x64xf32>) -> ()
  return
}

// A codebook for a tensor is that of all rows of a panel; those of two tensors differ.
lm.weight @p : tensor<32x64x!lowbit.block<cb<4 x i8 per tensor>, 32, f16>> from [#lm.source<"m", 0, 1, "f32", requantized = "p">]
lm.weight @q : tensor<32x64x!lowbit.block<cb<4 x i8 per tensor>, 32, f16>> from [#lm.source<"m", 1, 1, "f32", requantized = "q">]
// CHECK-LABEL: func.func @books
// CHECK-COUNT-2: lm.linear
func.func @books(%x: tensor<1x64xf32>, %n: index) {
  %a = lm.weight_ref @p : tensor<32x64x!lowbit.block<cb<4 x i8 per tensor>, 32, f16>>
  %b = lm.weight_ref @q : tensor<32x64x!lowbit.block<cb<4 x i8 per tensor>, 32, f16>>
  %0 = lm.linear %x, %a rows %n : (tensor<1x64xf32>, tensor<32x64x!lowbit.block<cb<4 x i8 per tensor>, 32, f16>>, index) -> tensor<1x32xf32>
  %1 = lm.linear %x, %b rows %n : (tensor<1x64xf32>, tensor<32x64x!lowbit.block<cb<4 x i8 per tensor>, 32, f16>>, index) -> tensor<1x32xf32>
  return
}
