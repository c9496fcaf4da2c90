// A rotation of heads survives a round trip in both forms.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// The value form has a result; both pairings of a head's values.
// CHECK-LABEL: @value
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x64xf32>, %[[T:[^:]*]]: tensor<66x8x2xf32>, %[[P:[^:]*]]: index, %[[N:[^:]*]]: index)
func.func @value(%x: tensor<4x64xf32>, %t: tensor<66x8x2xf32>, %p: index, %n: index) {
  // CHECK: lm.rope %[[X]], %[[T]] at %[[P]], %[[N]] {head_dim = 16 : i64, pairing = #lm.pairing<interleaved>}
  %0 = lm.rope %x, %t at %p, %n {head_dim = 16 : i64, pairing = #lm.pairing<interleaved>}
    : (tensor<4x64xf32>, tensor<66x8x2xf32>, index, index) -> tensor<4x64xf32>
  // CHECK: lm.rope %[[X]], %[[T]] at %[[P]], %[[N]] {head_dim = 32 : i64, pairing = #lm.pairing<halves>}
  %1 = lm.rope %x, %t at %p, %n {head_dim = 32 : i64, pairing = #lm.pairing<halves>}
    : (tensor<4x64xf32>, tensor<66x8x2xf32>, index, index) -> tensor<4x64xf32>
  return
}

// The buffer form names what it fills after `into`, and has no result.
// CHECK-LABEL: @buffer
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x64xf32>, %[[T:[^:]*]]: memref<66x8x2xf32>, %[[Y:[^:]*]]: memref<4x64xf32>, %[[P:[^:]*]]: index, %[[N:[^:]*]]: index)
func.func @buffer(%x: memref<4x64xf32>, %t: memref<66x8x2xf32>, %y: memref<4x64xf32>, %p: index, %n: index) {
  // CHECK: lm.rope %[[X]], %[[T]] at %[[P]], %[[N]] into %[[Y]] {head_dim = 16 : i64, pairing = #lm.pairing<halves>} : ({{.*}}) -> ()
  lm.rope %x, %t at %p, %n into %y {head_dim = 16 : i64, pairing = #lm.pairing<halves>}
    : (memref<4x64xf32>, memref<66x8x2xf32>, index, index, memref<4x64xf32>) -> ()
  return
}
