//===- LevelPlace.h - where a block's integer scales lie -------*- C++ -*-===//
//
// What: the integer scales of a block that was unpacked ahead (PanelUnpacker.h), in the
// form in which its instruction multiplies sums by them (DotEmitter::integerScale). For
// each record of 32 columns and of nr weight rows:
//
//      ┌────────────────────┐ scale(g)
//      │ scales  G × nr × 4 │   G = groups of a record, below 32 columns each; twice that where a vector has the
//                                 sums of two activation rows
//      ├────────────────────┤ offsets()       only with pairs
//      │ pairs       nr × 4 │   DotEmitter::pairedOffsets of both groups
//      └────────────────────┘
//
// With joined halves (dialects/MPGEMM/ActivationLayout.h) both groups' scales are in the place of one
// (DotEmitter::joinedScales).
//
// Where a sum goes on from group to group (DotEmitter::sumsGoOn), what stands there for all groups but the last is the
// scale less the next group's: s0·d0 + s1·d1 = s0·(d0 - d1) + (s0 + s1)·d1 of integers, which may wrap around on the
// way.
//
// Why: the scales of a panel are bytes. Widened for each tile of four rows they cost as
// much as what they scale.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_LEVELPLACE_H
#define NIBBLE_CODEGEN_LOWER_LEVELPLACE_H

#include <cstdint>

namespace nibble {

struct LevelPlace {
  int64_t nr = 0, groups = 0, strip = 1;
  bool pairs = false;
  bool differences = false;

  /// Bytes from the start of a record; rows count inside the panel.
  int64_t scale(int64_t group, int64_t row) const { return (group * nr + row) * 4 * strip; }
  int64_t offsets(int64_t row) const { return scale(groups, row); }
  int64_t recordBytes() const { return scale(groups + pairs, 0); }
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_LEVELPLACE_H
