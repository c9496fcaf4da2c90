// Where integer scales of groups are folded into floats: where the cost model says that it is faster, or wherever it is
// exact, or nowhere.
// RUN: nibble-opt --fold-sub-scales %s 2>%t | FileCheck %s --check-prefixes=CHECK,AUTO && FileCheck %s --check-prefix=REMARK < %t
// RUN: nibble-opt --fold-sub-scales=sub-scales=fold %s 2>%t | FileCheck %s --check-prefixes=CHECK,FOLD && FileCheck %s --check-prefix=REFUSED < %t
// RUN: nibble-opt --fold-sub-scales=sub-scales=keep %s 2>%t | FileCheck %s --check-prefixes=CHECK,KEEP && count 0 < %t
// A core that waits for memory keeps them; so does a product of floats, which reads a scale for many columns.
// RUN: sed s/cortex-a53/cortex-a76/ %s | nibble-opt --fold-sub-scales 2>/dev/null | FileCheck %s --check-prefixes=CHECK,KEEP
// So does one whose prompts take far fewer instructions with integer scales.
// RUN: sed s/cortex-a53/cortex-a55/ %s | nibble-opt --fold-sub-scales 2>/dev/null | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: nibble-opt --fold-sub-scales=activations=f32 %s 2>/dev/null | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: not nibble-opt --fold-sub-scales=sub-scales=some %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown sub-scales 'some'; they are auto, fold and keep

!q3 = !lowbit.block<i3, 16, i6 x f16 : 256>
!q4 = !lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>
!wide = !lowbit.block<i3, 16, i6 x f32 : 256>

module attributes {mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a53", features = "">} {
// CHECK-LABEL: @layer
func.func @layer(%x: tensor<1x256xf32>, %a: tensor<64x256x!q3>, %b: tensor<64x256x!q4>, %n: index) {
  // Groups of 16 and three bits: instructions are what is waited for. With four bits it is memory.
  // AUTO: %[[A:.*]] = lowbit.cast %{{.*}} : tensor<64x256x!lowbit.block<i3, 16, i6 x f16 : 256>> -> tensor<64x256x!lowbit.block<i3, 16, f32>>
  // AUTO-NEXT: lm.linear %{{.*}}, %[[A]] rows
  // AUTO-NEXT: lm.linear %{{.*}} : (tensor<1x256xf32>, tensor<64x256x!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>>, index)
  // FOLD: lm.linear %{{.*}}tensor<64x256x!lowbit.block<i3, 16, f32>>
  // FOLD: lm.linear %{{.*}}tensor<64x256x!lowbit.block<u4, 32, f32, min = f32>>
  // KEEP-NOT: lowbit.cast
  // REMARK: remark: integer scales of '!lowbit.block<i3, 16, i6 x f16 : 256>' are folded into f32, by lut: 0.{{[0-9]+}} instructions and 0.625 bytes a weight, {{[0-9.]+}} us a row; as they were, by lut: 0.{{[0-9]+}} instructions and 0.445 bytes
  %0 = lm.linear %x, %a rows %n : (tensor<1x256xf32>, tensor<64x256x!q3>, index) -> tensor<1x64xf32>
  %1 = lm.linear %x, %b rows %n : (tensor<1x256xf32>, tensor<64x256x!q4>, index) -> tensor<1x64xf32>
  return
}

// A float of 24 bits times an integer of six has too many, whatever is asked for.
// CHECK-LABEL: @wide
func.func @wide(%x: tensor<1x256xf32>, %a: tensor<64x256x!wide>, %n: index) {
  // CHECK-NOT: lowbit.cast
  // REFUSED: remark: keeps its integer scales: an f32 does not hold every product with a scale of '!lowbit.block<i3, 16, i6 x f32 : 256>'
  %0 = lm.linear %x, %a rows %n : (tensor<1x256xf32>, tensor<64x256x!wide>, index) -> tensor<1x64xf32>
  return
}
}
