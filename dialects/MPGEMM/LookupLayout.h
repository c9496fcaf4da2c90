//===- LookupLayout.h - codes as indices into tables ----------------------===//
//
// What: where the codes of a weight lie that is multiplied by table look-up, and
// what the tables hold. PanelLayout with `lookup` uses it for the codes of a unit;
// panels, records, scales and minima lie as in every other layout.
// Why: a look-up kernel never sees a number of the weight. It reads one bit of four
// columns as an index, so that is what has to lie together. Plain C++, shared by
// packer and kernel generator.
//
// The idea is T-MAC's (arXiv 2407.00088): a product with b-bit codes is the sum of
// b products with single bits, weighted with 1, 2, 4, 8. Four columns ("a quad") have
// 16 combinations of bits, so all that a quad can contribute to any row is a table of
// 16 sums, which is built once for an activation row and read by every row of every
// weight. Sixteen rows look their sums up in one instruction.
//
//   codes of row r in quad j      bit 0   bit 1        index of bit p =
//     column 4j      01            1       0             Σ_i bit p of column 4j+i · 2^i
//     column 4j+1    11            1       1
//     column 4j+2    00            0       0           bit 0: 0b0011 = 3
//     column 4j+3    10            0       1           bit 1: 0b1010 = 10
//
// A panel has 32 rows; a byte holds the indices of two of them:
//
//   byte r (0 … 15) of a cell = index of row r | index of row r + 16, shifted by 4
//
// A cell is the 16 bytes of one quad and one bit. A vector is the cells of
// `quads` neighbouring quads (1, 2 or 4: what the look-up instruction takes at
// once, each 128 bits with a table of its own), and a unit is, with kr = 4 · quads,
//
//      ┌ columns 0 … kr-1 ───────────────┬ columns kr … 2kr-1 ┬ …
//      │ vector of bit 0 │ … of bit b-1  │ bit 0 │ …          │
//      └─────────────────┴───────────────┴────────────────────┴ …
//
// The tables of an activation row of K columns are 8·K bytes. With the sum of the
// quad's negative codes taken off, an entry lies in 0 … 4·127 = 508, nine bits, and
// is cut into two bytes: entry = low + 32 · high, low ≤ 31, high ≤ 15. So the sums of
// eight look-ups (a run of 32 columns) fit a byte without a carry, and nothing is
// ever rounded:
//
//      low:  entry i of quad j at 16·j + i         (4·K bytes)
//      high: entry i of quad j at 4·K + 16·j + i   (4·K bytes)
//
// What was taken off is the table's base: for a run of columns the sum of its
// negative codes, which each bit of the weight brings back once:
//
//      Σ_k code·a = Σ_p 2^p · (Σ_quads entry[index of bit p] + base)
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_MPGEMM_LOOKUPLAYOUT_H
#define NIBBLE_DIALECTS_MPGEMM_LOOKUPLAYOUT_H

#include <cstdint>

namespace nibble::mpgemm {

/// Columns of a quad, entries of its table, rows of a cell and of a panel.
inline constexpr int64_t kQuadColumns = 4, kQuadEntries = 16, kCellRows = 16, kLookupRows = 32;

/// Bits of the low part of an entry, and the widest code that is looked up.
inline constexpr unsigned kLowEntryBits = 5, kLookupBits = 4;

/// Bytes of the tables of one activation row of `k` columns: low parts, then high parts.
inline constexpr int64_t tableBytes(int64_t k) { return 2 * kQuadEntries * k / kQuadColumns; }

/// From the start of a unit: the byte that holds bit `bit` of the codes of column `column` of row r, in vectors of
/// `kr` columns.
inline constexpr int64_t lookupOffset(unsigned codeBits, int64_t kr, unsigned bit, int64_t column, int64_t r) {
  int64_t vector = column / kr, quad = column % kr / kQuadColumns, quads = kr / kQuadColumns;
  return ((vector * codeBits + bit) * quads + quad) * kCellRows + r % kCellRows;
}

/// The place of that bit in its byte.
inline constexpr unsigned lookupShift(int64_t column, int64_t r) {
  return unsigned(column % kQuadColumns + r / kCellRows * 4);
}

} // namespace nibble::mpgemm

#endif // NIBBLE_DIALECTS_MPGEMM_LOOKUPLAYOUT_H
