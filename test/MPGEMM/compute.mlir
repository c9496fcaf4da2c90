// The attribute that says what a product computes with survives a round trip.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK: mpgemm.compute = #mpgemm.compute<weight = !lowbit.block<u4, 32, f16, zp = 8>, activation = i8, accumulator = i32, row = "any">
module attributes {
  mpgemm.compute = #mpgemm.compute<weight = !lowbit.block<u4, 32, f16, zp = 8>, activation = i8, accumulator = i32, row = "any">} {}
