// The attribute that names the target survives a round trip.
// RUN: nibble-opt %s | nibble-opt | FileCheck %s

// CHECK: mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "+dotprod">
module attributes {
  mpgemm.target = #mpgemm.target<triple = "aarch64-linux-gnu", cpu = "cortex-a76", features = "+dotprod">} {}
