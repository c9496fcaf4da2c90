// A reference to a state survives a round trip, whether the state has a place or not.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

lm.state @keys : memref<2x2x64x16xf16>
lm.state @hidden : memref<4x64xf32> {offset = 64 : i64}

// CHECK-LABEL: @references
func.func @references() {
  // CHECK: lm.state_ref @keys : memref<2x2x64x16xf16>
  %keys = lm.state_ref @keys : memref<2x2x64x16xf16>
  // CHECK: lm.state_ref @hidden : memref<4x64xf32>
  %hidden = lm.state_ref @hidden : memref<4x64xf32>
  return
}
