// Columns in another order survive a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[O:[^:]*]]: tensor<64xi32>, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %o: tensor<64xi32>, %n: index) {
  // CHECK: lm.reorder %[[X]], %[[O]], %[[N]] : (tensor<4x64xf32>, tensor<64xi32>, index) -> tensor<4x64xf32>
  %0 = lm.reorder %x, %o, %n : (tensor<4x64xf32>, tensor<64xi32>, index) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x64xf32>, %[[O:[^:]*]]: memref<64xi32>, %[[N:[^:]*]]: index, %[[Y:[^:]*]]: memref<4x64xf32>)
func.func @buffer(%x: memref<4x64xf32>, %o: memref<64xi32>, %n: index, %y: memref<4x64xf32>) {
  // CHECK: lm.reorder %[[X]], %[[O]], %[[N]] into %[[Y]] : ({{.*}}) -> ()
  lm.reorder %x, %o, %n into %y : (memref<4x64xf32>, memref<64xi32>, index, memref<4x64xf32>) -> ()
  return
}

// What a packed weight and its order of columns are made of.
// CHECK: lm.weight @w
// CHECK-SAME: "gptq", packing = <element = !lowbit.block<u4, 32, f16, zp = 8>, rows = 64, scales = <"m", 4096, 256, "f16">
lm.weight @w : tensor<64x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m", 0, 2048, "gptq",
  packing = <element = !lowbit.block<u4, 32, f16, zp = 8>, rows = 64, scales = <"m", 4096, 256, "f16">, by_group = unit,
             order = <"m", 5000, 256, "i32">>>]
// CHECK: lm.weight @order : tensor<64xi32> from [#lm.column_order<groups = <"m", 5000, 256, "i32">>]
lm.weight @order : tensor<64xi32> from [#lm.column_order<groups = <"m", 5000, 256, "i32">>]
