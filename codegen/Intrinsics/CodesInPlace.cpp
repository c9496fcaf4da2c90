//===- CodesInPlace.cpp - whether codes are multiplied where they lie -----===//
//
// See CodesInPlace.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/CodesInPlace.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

namespace nibble {

namespace {

/// A row that shifts sums between the fields of codes of up to so many bits.
struct ShiftedSums {
  llvm::StringLiteral row;
  unsigned bits;
};

} // namespace

static constexpr ShiftedSums kShiftedSums[] = {
#define NIBBLE_SHIFTS_SUMS(row, bits) {#row, bits},
#include "codegen/Intrinsics/InstructionTable.def"
};

bool hasFieldOfRun(const mpgemm::PanelLayout &layout, int64_t run) {
  return layout.vectorsOf(layout.planes()[0]) * layout.kr % run == 0;
}

bool multipliesInPlace(const InstructionRow &row, const mpgemm::PanelLayout &layout) {
  bool isNarrow = !layout.lookup && !layout.codeSigned && (layout.codeBits == 1 || layout.codeBits == 2);
  if (!isNarrow || row.kind != RowKind::Dot || layout.vectorsOf(layout.planes()[0]) == 1)
    return false;
  return hasFieldOfRun(layout, std::min<int64_t>(layout.group, 32)) ||
         llvm::any_of(kShiftedSums,
                      [&](const ShiftedSums &sums) { return sums.row == row.name && layout.codeBits <= sums.bits; });
}

} // namespace nibble
