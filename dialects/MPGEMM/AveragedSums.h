//===- AveragedSums.h - look-ups that are averaged, not added -------------===//
//
// What: the integers that a row of the instruction table with `averages` computes,
// where the other look-up rows give exact sums (LookupLayout.h). T-MAC's fast
// aggregation (arXiv 2407.00088), defined so that it does not depend on the machine.
// Why: an entry of a table in one byte takes one look-up, where an exact one of nine
// bits takes two, and the rounding average of bytes (pavgb, urhadd) keeps the sum in
// bytes without a carry. It is lossy, so only --strategy=lut-fast asks for it.
//
// The entry e of LookupLayout.h, 0 … 508, becomes t = (e + 1) >> 1, 0 … 254, at
// 16·j + i of an activation row: 4·K bytes. A run of columns has Q = 1, 2, 4 or 8 quads:
//
//      avg(a, b) = (a + b + 1) >> 1                    T = avg(T₀, T₁), Q = 8:
//
//      T₀ = avg(avg(t₀, t₄), avg(t₂, t₆))              halves of the run fold onto each
//      T₁ = avg(avg(t₁, t₅), avg(t₃, t₇))              other, as wide vectors do
//
//      Σ e  ≈  S = 2·Q·T - bias(Q)        Σ_k code·a ≈ Σ_p 2^p · (S_p + base)
//
// Error. Halving an entry and each of the log2 Q averages add 0 or ½, so that
// 0 ≤ 2·Q·T - Σ e ≤ Q·(1 + log2 Q). With the middle of that, which is also its mean over
// random bits, taken off as bias(Q),
//
//      |S - Σ e| ≤ Q·(1 + log2 Q) / 2, rounded up      16 for a run of 32 columns
//
// and of codes of b bits 2^b - 1 times as much. For comparison: rounding 32 activations to
// 8 bits changes the exact sum by at most 32 · ½ · (2^b - 1), which is the same bound; but
// these errors mostly cancel (standard deviation about 1.2 for one bit) where those of the
// last averages do not (5.5).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_MPGEMM_AVERAGEDSUMS_H
#define NIBBLE_DIALECTS_MPGEMM_AVERAGEDSUMS_H

#include "dialects/MPGEMM/LookupLayout.h"

namespace nibble::mpgemm {

/// Bytes of the tables of one activation row of `k` columns.
inline constexpr int64_t averagedTableBytes(int64_t k) { return kQuadEntries * k / kQuadColumns; }

/// The most by which 2·Q·T exceeds the sum of Q entries; Q a power of two.
inline constexpr int64_t averagedExcess(int64_t quads) {
  int64_t levels = 0;
  while (int64_t(1) << levels < quads)
    ++levels;
  return quads * (1 + levels);
}

/// What is taken off for it.
inline constexpr int64_t averagedBias(int64_t quads) { return averagedExcess(quads) / 2; }

} // namespace nibble::mpgemm

#endif // NIBBLE_DIALECTS_MPGEMM_AVERAGEDSUMS_H
