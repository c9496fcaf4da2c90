// A state survives a round trip, without and with a place.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK: lm.state @keys : memref<2x2x64x16xf16>{{$}}
lm.state @keys : memref<2x2x64x16xf16>
// CHECK: lm.state @hidden : memref<4x64xf32> {offset = 64 : i64}
lm.state @hidden : memref<4x64xf32> {offset = 64 : i64}
