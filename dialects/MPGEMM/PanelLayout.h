//===- PanelLayout.h - where the bytes of a packed weight lie ------------===//
//
// What: the one description of the packed weight layout, as offsets.
// Why: the packer (compiler/Link) writes through these functions and the kernel
// generator (codegen/Lower) reads through them, so they cannot disagree. It is
// plain C++: `#mpgemm.layout` is its spelling in IR.
// Contract: check() must return null before any other function is called.
//
// A weight is a matrix of N rows (outputs) by K columns (inputs). A kernel holds
// `nr` rows in the lanes of its accumulators and walks along K, so that is the
// order of the bytes: rows are cut into panels of nr, panels follow each other,
// and inside a panel everything that a step along K needs is adjacent.
//
//        K ────────────────────────────►
//      ┌───────────────────────────────┐
//    N │ panel 0: rows 0 .. nr-1       │     panel = record, record, record, …
//    │ ├───────────────────────────────┤             (each covers recordSpan()
//    │ │ panel 1: rows nr .. 2nr-1     │              k's of all nr rows)
//    ▼ ├───────────────────────────────┤
//      │ last panel: padded with rows  │     padding rows have scale 0, min 0
//      │ of scale 0                    │     and code 0 (so each adds 0)
//      └───────────────────────────────┘
//
// A record of low-bit weights, in bytes from its start. R = recordSpan(),
// S = scaleSpan() = k's that share a float scale, G = group = k's that share an
// integer sub-scale (G = S when the scale has one level):
//
//      ┌──────────────────────┐ scaleOffset(s, r)
//      │ d   (R/S) × nr float │   float = scaleKind (f16, bf16, f32)
//      ├──────────────────────┤ minOffset(s, r)        only if hasMin
//      │ m   (R/S) × nr float │   one level: m; two levels: dmin
//      ├──────────────────────┤
//      │ unit 0 │ unit 1 │ …  │   a unit = unitSpan() k's: max(G, 32) or more, and
//      └──────────────────────┘   of a group longer than 256 (128) a part of it
//
// A unit:
//
//      ┌──────────────────────┐ subScaleOffset(run, r)   only with two levels
//      │ sub (U/G) × nr × i8  │   of each group, or of the one that the unit is a part of
//      ├──────────────────────┤ subMinOffset(run, r)     only with both
//      │ min (U/G) × nr × u8  │
//      ├──────────────────────┤ unitOffset(unit)
//      │ codes                │
//      └──────────────────────┘
//
// All that a kernel reads of a weight it reads in ascending order, but for a record's floats: scales of all units
// in one place would be a second stream through the same page, and the Zen 4 fetches nothing ahead of two.
//
// For the usual formats R = S: 32 for Q4_0, Q4_1, Q8_0 and 256 for the K-quants.
// R > S (several float scales in a record) only happens when S < 32, and with S = 32
// where a unit is 64 (planes of one bit with kr = 8). A group that is a whole row
// has one record.
//
// Codes of a codebook are stored like unsigned integers. If the codebook comes
// with the weight, its numbers stand before the records of each panel: number 0
// of the panel's rows, number 1 of them, … (of one row, if all have the same).
//
// Codes of a unit: their bits are split into planes of 8, 4, 2 or 1 bits (6 = 4 + 2,
// 5 = 4 + 1, 3 = 2 + 1, 7 = 4 + 2 + 1), the low bits in the first plane. The
// planes follow each other; each is a sequence of vectors of nr·kr bytes. What
// lies in one bit field of one vector is a quad: kr consecutive k's of nr rows,
//
//      quad j = ┌ row 0: k = kr·j … kr·j+kr-1 ┬ row 1: the same k's ┬ … ┐
//               └ bytes 0 … kr-1              ┴ bytes kr … 2kr-1    ┴ … ┘
//
// which is the operand shape of a 4-way dot product (kr = 4), of matrix tiles
// (kr = 8) or of a plain float multiply (kr = 1). With Q = unitSpan()/kr quads in
// a unit and a plane of w bits, there are V = Q·w/8 vectors, and
//
//      bit field f (bits f·w … f·w+w-1) of vector v holds quad f·V + v.
//
//      4-bit codes, U = 32, kr = 4 (Q = 8, V = 4):
//        vector 0: low nibbles = quad 0, high nibbles = quad 4
//        vector 1: low nibbles = quad 1, high nibbles = quad 5     and so on
//
// So the kernel gets quads in ascending order with one AND, or one shift and one
// AND, per quad. Eight-bit codes are stored xor `bias`: 128 turns i8 into u8 for
// instructions whose weight operand is unsigned; narrower codes are stored as
// their raw bits (two's complement when signed).
//
// A weight that is multiplied by table look-up (`lookup`) has its codes as indices,
// as LookupLayout.h draws it; all else is as here.
//
// Float weights (codeBits = 0) have no records: for each k, nr elements.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_MPGEMM_PANELLAYOUT_H
#define NIBBLE_DIALECTS_MPGEMM_PANELLAYOUT_H

#include "dialects/LowBit/FloatKind.h"
#include "dialects/MPGEMM/LookupLayout.h"

#include <algorithm>
#include <cstdint>

namespace nibble::mpgemm {

/// A slice of the bits of a code: bits firstBit … firstBit+width-1.
struct BitPlane {
  unsigned width = 0;
  unsigned firstBit = 0;
};

/// At most three planes (7 = 4 + 2 + 1), or four single bits that are looked up.
struct BitPlanes {
  BitPlane items[4];
  unsigned count = 0;

  const BitPlane *begin() const { return items; }
  const BitPlane *end() const { return items + count; }
  unsigned size() const { return count; }
  const BitPlane &operator[](unsigned index) const { return items[index]; }
};

/// Where one plane's bits of one code lie: in byte `offset` of the unit, from
/// bit `shift` on.
struct CodeLocation {
  int64_t offset = 0;
  unsigned shift = 0;
};

struct PanelLayout {
  int64_t n = 0;  ///< Rows (outputs), without padding.
  int64_t k = 0;  ///< Columns (inputs).
  int64_t nr = 16; ///< Rows of a panel.
  int64_t kr = 4;  ///< Consecutive k's of a row that lie together.

  unsigned codeBits = 0;   ///< 1 … 8; 0 = float weights.
  bool codeSigned = false; ///< Two's complement codes.
  unsigned bias = 0;       ///< 0, or 128: 8-bit codes are stored xor 128.
  int64_t group = 0;       ///< k's that share the innermost scale.
  int64_t superGroup = 0;  ///< k's that share the float scale; 0 = one level.
  bool hasMin = false;     ///< m (one level), or dmin and sub-minima.
  int64_t bookEntryBytes = 0; ///< Of a number of a stored codebook; 0 = none.
  bool bookPerRow = false;    ///< Each row has its own stored codebook.
  FloatKind scaleKind = FloatKind::F16; ///< Of d and of m / dmin.

  FloatKind element = FloatKind::F32; ///< Of float weights.
  bool lookup = false; ///< Codes as indices: nr = 32, kr = columns of a vector.

  bool operator==(const PanelLayout &) const = default;

  bool isFloat() const { return codeBits == 0; }
  bool isTwoLevel() const { return superGroup != 0; }

  //===--------------------------------------------------------------------===//
  // Spans, in k's, and counts.
  //===--------------------------------------------------------------------===//

  int64_t panels() const { return (n + nr - 1) / nr; }
  int64_t scaleSpan() const { return isTwoLevel() ? superGroup : group; }
  /// A group and 32 at least, and as many as make every plane whole vectors: 64 for one bit and kr = 8. A part of a
  /// group that is longer than 256, or of two bits 128: there each bit field of the unit's vectors is one run of 32
  /// columns. And a part of a group that is no power of two (96, 160), so that runs never lie across bit fields.
  int64_t unitSpan() const {
    int64_t span = std::max<int64_t>(group, 32), most = codeBits == 2 ? 128 : 256;
    if (lookup)
      return span;
    int64_t least = 32;
    for (BitPlane plane : planes())
      least = std::max<int64_t>(least, 8 * kr / plane.width);
    if (group > most || (group & (group - 1)) != 0)
      for (int64_t part = least; part <= most; part *= 2)
        span = group % part == 0 ? part : span;
    return std::max(span, least);
  }
  int64_t recordSpan() const { return std::max(scaleSpan(), unitSpan()); }
  int64_t records() const { return k / recordSpan(); }
  int64_t scalesPerRecord() const { return recordSpan() / scaleSpan(); }
  int64_t groupsPerRecord() const { return recordSpan() / group; }
  int64_t runsPerRecord() const { return recordSpan() / runSpan(); }
  int64_t runsPerUnit() const { return unitSpan() / runSpan(); }
  /// k's of a unit that share a scale.
  int64_t runSpan() const { return std::min(group, unitSpan()); }
  int64_t unitsPerRecord() const { return recordSpan() / unitSpan(); }
  int64_t quadsPerUnit() const { return unitSpan() / kr; }

  /// The planes of a code, low bits first.
  BitPlanes planes() const {
    BitPlanes result;
    unsigned first = 0;
    for (; lookup && first < codeBits; ++first)
      result.items[result.count++] = {1, first};
    if (lookup)
      return result;
    for (unsigned width : {8u, 4u, 2u, 1u})
      if (codeBits & width) {
        result.items[result.count++] = {width, first};
        first += width;
      }
    return result;
  }

  //===--------------------------------------------------------------------===//
  // Sizes, in bytes.
  //===--------------------------------------------------------------------===//

  int64_t vectorBytes() const { return lookup ? nr * kr / 8 : nr * kr; }
  int64_t vectorsOf(BitPlane plane) const {
    return lookup ? unitSpan() / kr : quadsPerUnit() * plane.width / 8;
  }
  /// Bytes from the codes of one column to those `kr` columns further on, within a
  /// bit field.
  int64_t stepBytes() const {
    return lookup ? codeBits * vectorBytes() : vectorBytes();
  }
  /// Of a unit: integer scales, and minima, of its runs.
  int64_t subScaleBytes() const {
    return isTwoLevel() ? runsPerUnit() * nr * (hasMin ? 2 : 1) : 0;
  }
  int64_t unitBytes() const { return subScaleBytes() + nr * unitSpan() * codeBits / 8; }
  int64_t recordBytes() const {
    return unitsOffset() + unitsPerRecord() * unitBytes();
  }
  int64_t bookRows() const { return bookPerRow ? nr : 1; }
  int64_t bookBytes() const {
    return bookRows() * bookEntryBytes * (int64_t(1) << codeBits);
  }
  int64_t panelBytes() const {
    return isFloat() ? k * nr * byteWidth(element)
                     : bookBytes() + records() * recordBytes();
  }
  int64_t totalBytes() const { return panels() * panelBytes(); }

  //===--------------------------------------------------------------------===//
  // Offsets, in bytes. Rows r count inside the panel.
  //===--------------------------------------------------------------------===//

  /// From the start of the weight.
  int64_t panelOffset(int64_t panel) const { return panel * panelBytes(); }

  /// From the start of the panel.
  int64_t recordOffset(int64_t record) const {
    return bookBytes() + record * recordBytes();
  }
  /// Number `code` of row r's stored codebook.
  int64_t bookOffset(int64_t code, int64_t r = 0) const {
    return (code * bookRows() + (bookPerRow ? r : 0)) * bookEntryBytes;
  }
  int64_t elementOffset(int64_t column, int64_t r) const {
    return (column * nr + r) * byteWidth(element);
  }

  /// From the start of the record; s < scalesPerRecord().
  int64_t scaleOffset(int64_t s = 0, int64_t r = 0) const {
    return (s * nr + r) * byteWidth(scaleKind);
  }
  int64_t minOffset(int64_t s = 0, int64_t r = 0) const {
    return scaleOffset(scalesPerRecord()) + scaleOffset(s, r);
  }
  /// From the start of the record: its units.
  int64_t unitsOffset() const {
    return hasMin ? minOffset(scalesPerRecord()) : scaleOffset(scalesPerRecord());
  }
  /// From the start of the record; `run` counts the runs of its units.
  int64_t subScaleOffset(int64_t run = 0, int64_t r = 0) const {
    return unitsOffset() + run / runsPerUnit() * unitBytes() + run % runsPerUnit() * nr + r;
  }
  int64_t subMinOffset(int64_t run = 0, int64_t r = 0) const {
    return subScaleOffset(run, r) + runsPerUnit() * nr;
  }
  /// From the start of the record: the codes of a unit.
  int64_t unitOffset(int64_t unit) const {
    return unitsOffset() + unit * unitBytes() + subScaleBytes();
  }
  int64_t codesOffset() const { return unitOffset(0); }

  /// From the start of a unit's codes: vector v < vectorsOf(plane) of a plane.
  int64_t vectorOffset(BitPlane plane, int64_t v) const {
    // The planes before this one hold firstBit bits of every code.
    return nr * unitSpan() * plane.firstBit / 8 + v * vectorBytes();
  }

  /// Where column `column` (inside the unit) of row r has this plane's bits.
  CodeLocation locate(BitPlane plane, int64_t column, int64_t r) const {
    if (lookup)
      return {lookupOffset(codeBits, kr, plane.firstBit, column, r),
              lookupShift(column, r)};
    int64_t quad = column / kr, vectors = vectorsOf(plane);
    int64_t byte = vectorOffset(plane, quad % vectors) + r * kr + column % kr;
    return {byte, unsigned(quad / vectors) * plane.width};
  }

  //===--------------------------------------------------------------------===//
  // Validity.
  //===--------------------------------------------------------------------===//

  /// Null if the layout can hold its matrix, else a sentence that says why not.
  const char *check() const {
    if (n < 1 || k < 1 || nr < 1 || kr < 1)
      return "n, k, nr and kr must be positive";
    if (isFloat())
      return kr == 1 ? nullptr : "float weights need kr = 1";
    if (codeBits > 8)
      return "codes have 1 to 8 bits";
    if (bias != 0 && (bias != 128 || codeBits != 8))
      return "the bias is 0, or 128 for 8-bit codes";
    if (group < 1 || superGroup % group != 0)
      return "the super block must be a multiple of a group";
    if (recordSpan() % unitSpan() != 0 || recordSpan() % scaleSpan() != 0 ||
        unitSpan() % runSpan() != 0 || group % runSpan() != 0 ||
        unitSpan() > std::max<int64_t>(256, superGroup))
      return "a group must divide 32 or be a multiple of it that divides the "
             "super block";
    if (lookup)
      return checkLookup();
    if (unitSpan() % kr != 0)
      return "kr must divide the unit of at least max(group, 32) columns";
    for (BitPlane plane : planes())
      if (quadsPerUnit() * plane.width % 8 != 0)
        return "kr is too large: a bit plane of a unit is not a whole number "
               "of vectors";
    if (k % recordSpan() != 0)
      return "k must be a multiple of the record (the float scale's span, at "
             "least 32)";
    return nullptr;
  }

private:
  const char *checkLookup() const {
    if (codeBits > kLookupBits)
      return "only codes of up to 4 bits are looked up";
    if (nr != kLookupRows || kr % kQuadColumns != 0 || group % kr != 0)
      return "looked-up codes need nr = 32 and groups that are multiples of kr, a multiple of 4";
    if (k % recordSpan() != 0)
      return "k must be a multiple of the record (the float scale's span, at "
             "least 32)";
    return nullptr;
  }
};

} // namespace nibble::mpgemm

#endif // NIBBLE_DIALECTS_MPGEMM_PANELLAYOUT_H
