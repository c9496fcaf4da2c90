//===- CodeScatter.h - the codes of a row into bit planes ------*- C++ -*-===//
//
// What: writes the codes of one row of a panel to the row's places in a record's
// units (dialects/MPGEMM/PanelLayout.h), or the indices that look-ups read.
// Why it looks like this: this is the loop that every byte of a model passes
// through. It moves words of kr codes and is specialised by the width of the word
// and of the bit plane; what does not depend on the row is computed once.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_LINK_CODESCATTER_H
#define NIBBLE_COMPILER_LINK_CODESCATTER_H

#include "dialects/MPGEMM/PanelLayout.h"

#include "llvm/ADT/SmallVector.h"

namespace nibble {

class CodeScatter {
public:
  explicit CodeScatter(const mpgemm::PanelLayout &layout);

  /// The codes of row r of a panel, layout.recordSpan() of them, into the units of a record. Those of look-ups are
  /// added to the bits that are there.
  void scatter(const uint8_t *codes, int64_t r, uint8_t *units) const {
    if (layout.lookup)
      return scatterIndices(codes, r, units);
    for (const Plane &plane : planes)
      plane.scatter(shape, plane, codes, units + r * layout.kr);
  }

  /// The units of one record.
  struct Units {
    int64_t count, span, bytes, vectorBytes;
    unsigned bias;
  };
  /// One plane and the loop for its width and the layout's kr.
  struct Plane {
    void (*scatter)(const Units &shape, const Plane &plane, const uint8_t *codes, uint8_t *units);
    unsigned firstBit;
    int64_t offset; ///< of its first vector in a unit
    int64_t vectors;
  };

private:
  void scatterIndices(const uint8_t *codes, int64_t r, uint8_t *units) const;

  mpgemm::PanelLayout layout;
  Units shape;
  llvm::SmallVector<Plane, 3> planes; ///< none for look-ups
};

} // namespace nibble

#endif // NIBBLE_COMPILER_LINK_CODESCATTER_H
