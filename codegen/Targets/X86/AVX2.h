//===- AVX2.h - vpmaddubsw and vpmaddwd, exact -----------------*- C++ -*-===//
//
// vpmaddubsw multiplies unsigned by signed bytes and adds pairs with saturation
// at 16 bits; vpmaddwd adds pairs of words into i32. The sequence is exact as
// long as no 16-bit sum can exceed 32767:
//
//  * unsigned codes of b bits: a pair is at most 2 · (2^b - 1) · 127, so
//    ⌊32767 / that⌋ quads (8 for b ≤ 4, 4 for 5, 2 for 6, 1 for 7) are added in
//    16 bits before one vpmaddwd widens the sum: for 4-bit codes and groups of
//    32 columns one vpmaddubsw and one vpaddw per quad, nothing else;
//  * codes with an offset, from words that start with minus the offset times the sum of
//    the word's activations: words wrap around, and what they come to at the end is at
//    most 2 · max|code - offset| · 127 a quad: 8 quads for 5 bits around their middle,
//    4 for 6, 2 for 7. A run of 32 columns has 8: with 6 and 7 bits each part of it starts
//    so, also without an offset, for which the sum then starts with their middle times the
//    sum of the activations;
//  * signed bytes: |w| · (sign(w) · a), a pair is at most 2 · 128 · 127 = 32512.
//
// An integer scale of the sum costs nothing: vpmaddwd multiplies by it instead of by
// one. It has eight bits, a pair of words 17, so that nothing overflows. Nor does a
// scale times an offset, which has 16, with the sum of 16 activations, which has 12:
// one vpmaddwd takes the offsets of two runs of 16 columns away.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_X86_AVX2_H
#define NIBBLE_CODEGEN_TARGETS_X86_AVX2_H

#include "codegen/Targets/X86/X86Dot.h"

namespace nibble {

class X86AVX2 : public X86Dot {
public:
  mlir::Value integerScale(KernelBuilder &k, const DotRun &run, mlir::Value scale) const override;
  mlir::Value joinedScales(KernelBuilder &k, const DotRun &run, mlir::Value first, mlir::Value second) const override;
  mlir::Type scaleType(KernelBuilder &k, const DotRun &run) const override { return k.vec(k.i16(), 2 * run.sums()); }
  bool pairsOffsets() const override { return true; }
  mlir::Value pairedOffsets(KernelBuilder &k, const DotRun &run, mlir::Value first, mlir::Value second) const override;
  mlir::Value addOffsets(KernelBuilder &k, mlir::Value sum, mlir::Value offsets, mlir::Value pair) const override;
  DotRun partOf(const DotRun &run) const override;
  mlir::Value starts(KernelBuilder &k, const DotRun &run, mlir::Value codes) const override;
  mlir::Value start(KernelBuilder &k, const DotRun &run, mlir::Value codeSums) const override;
  mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                       mlir::ValueRange activations) const override;
  mlir::Value finish(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::Value codeSums) const override;
  int64_t quadsTogether(const DotRun &run) const override;
  mlir::Value after(KernelBuilder &k, mlir::Value pointer, mlir::Value done) const override {
    return orderAfter(k, pointer, k.slice(done, 0, 4), "x");
  }
  mlir::Value afterSums(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done) const override {
    return orderAfterLower(k, pointer, done, "x");
  }
  unsigned widestInPlace(const DotRun &run) const override;
  bool goesOn(const DotRun &run) const override;
  bool takesVectorsApart(const DotRun &run) const override { return true; }
  int64_t registers() const override { return 16; }
  bool readsAgain() const override { return true; } // vpbroadcastd of memory is a load and nothing else
  int64_t straightQuads() const override { return 8; }
  bool walksInLoop() const override { return true; }
  bool unpacksAhead() const override { return true; }
  /// A tile's sums and what unpacks codes of several planes are more than the registers hold.
  int64_t rowsAhead(int64_t tile, bool isCrowded) const override { return tile; }
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_X86_AVX2_H
