// What lm-requantize-weights refuses, and what it warns of.
// RUN: not nibble-opt "--lm-requantize-weights=weights=a=int4,nothing*=q8_0" %s 2>&1 | FileCheck %s --check-prefix=PATTERN
// PATTERN: error: the pattern 'nothing*' of --weights matches no matrix; there are blk.0.a.weight
// RUN: not nibble-opt "--lm-requantize-weights=weights=a=int4,b=qx" %s 2>&1 | FileCheck %s --check-prefix=TEXT
// TEXT: error: --weights, column 10: expected a format, found 'qx'
// RUN: not nibble-opt "--lm-requantize-weights=weights=q4_k" %s 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: error: q4_k shares scales among 256 columns, of which rows of 64 columns are no multiple
// RUN: nibble-opt "--lm-requantize-weights=weights=int2" %s 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not nibble-opt "--lm-requantize-weights=weights=any4:tensor" %s 2>&1 | FileCheck %s --check-prefix=BOOK
// BOOK: error: cannot become '!lowbit.block<cb<4 x i8 per row>, tensor, f16>': a row's own codebook needs a scale of the row's own
// TWICE: warning: 1 tensor is low-bit already ('!lowbit.block<u4, 32, f16, zp = 8>'); rounding again adds to the error that is there

lm.weight @blk.0.a.weight : tensor<32x64x!lowbit.block<u4, 32, f16, zp = 8>> from [#lm.source<"m", 0, 1152, "q4_0">]
func.func @f(%x: tensor<1x64xf32>, %n: index) {
  %w = lm.weight_ref @blk.0.a.weight : tensor<32x64x!lowbit.block<u4, 32, f16, zp = 8>>
  %0 = lm.linear %x, %w rows %n : (tensor<1x64xf32>, tensor<32x64x!lowbit.block<u4, 32, f16, zp = 8>>, index) -> tensor<1x32xf32>
  return
}
