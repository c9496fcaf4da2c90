// A router keeps its type unless it is named: what it errs, it errs by whole experts.
// RUN: nibble-opt --lm-requantize-weights=weights=q8_0 %s | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: nibble-opt --lm-requantize-weights=weights=q8_0 %s 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: nibble-opt --lm-requantize-weights=weights=q8_0,router=q8_0,gate=q8_0 %s | FileCheck %s --check-prefixes=CHECK,NAMED

// REMARK: remark: stays as it is, because it chooses or weighs experts; an entry of --weights that names it rounds it, too
// REMARK: remark: stays as it is
// KEEP: lm.weight @router.weight : tensor<4x32xf32>
// NAMED: lm.weight @router.weight : tensor<4x32x!lowbit.block<i8, 32, f16>>
lm.weight @router.weight : tensor<4x32xf32> from [#lm.source<"m", 0, 512, "f32">]
// KEEP: lm.weight @gate.weight : tensor<1x32xf32>
// NAMED: lm.weight @gate.weight : tensor<1x32x!lowbit.block<i8, 32, f16>>
lm.weight @gate.weight : tensor<1x32xf32> from [#lm.source<"m", 1, 128, "f32">]
// CHECK: lm.weight @experts.weight : tensor<128x32x!lowbit.block<i8, 32, f16>>
lm.weight @experts.weight : tensor<128x32xf32> from [#lm.source<"m", 2, 16384, "f32">]

func.func @f(%x: tensor<2x32xf32>, %n: index, %m: index) -> tensor<2x32xf32> {
  %router = lm.weight_ref @router.weight : tensor<4x32xf32>
  %gate = lm.weight_ref @gate.weight : tensor<1x32xf32>
  %experts = lm.weight_ref @experts.weight : tensor<128x32xf32>
  %scores = lm.linear %x, %router rows %n : (tensor<2x32xf32>, tensor<4x32xf32>, index) -> tensor<2x4xf32>
  %c, %w = lm.top_k %scores, %n {k = 2 : i64} : (tensor<2x4xf32>, index) -> (tensor<2x2xi32>, tensor<2x2xf32>)
  %y = lm.expert_linear %x, %experts, %c rows %n {experts = 4 : i64} : (tensor<2x32xf32>, tensor<128x32xf32>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
  %z = lm.expert_sum %x, %y, %w, %n : (tensor<2x32xf32>, tensor<4x32xf32>, tensor<2x2xf32>, index) -> tensor<2x32xf32>
  %share = lm.linear %x, %gate rows %n : (tensor<2x32xf32>, tensor<1x32xf32>, index) -> tensor<2x1xf32>
  %all = lm.expert_sum %z, %x, %share, %n {sigmoid} : (tensor<2x32xf32>, tensor<2x32xf32>, tensor<2x1xf32>, index) -> tensor<2x32xf32>
  return %all : tensor<2x32xf32>
}
