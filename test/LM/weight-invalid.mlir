// Which sources of a weight are refused.
// RUN: nibble-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{needs at least one source}}
lm.weight @w : tensor<8x32xf32> from []

// -----
// expected-error @below {{takes sources of kind #lm.source, #lm.rope_table or #lm.column_order, but found "file.gguf"}}
lm.weight @w : tensor<8x32xf32> from ["file.gguf"]
