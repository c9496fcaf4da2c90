//===- ActivationLayout.h - where quantized activations lie --*- C++ -*-===//
//
// What: the order of the codes, scales and sums of mpgemm.quantize, as offsets.
// Why: an instruction that multiplies pairs of activation rows wants 8 columns of
// both side by side, and their scales in the order of its sums. The operation
// that writes activations once can write them so for free; each product that reads
// them would have to put them together for every panel again.
// Contract: quantize writes and the kernels of mma read through these functions.
//
// Plain (interleaved = 1): rows one after the other.
//
// Interleaved in blocks of R = 2, 4, … rows (columns × 4-byte numbers for scales and sums):
//
//      block b = rows bR … bR+R-1, all columns
//        for each 32 columns
//          for each pair of rows
//            codes   4 × │ row 2p: columns 8q … 8q+7 │ row 2p+1: the same │    64 bytes
//
//        for each group of columns
//          for each pair of rows
//            scales  │ s(2p) │ s(2p) │ s(2p+1) │ s(2p+1) │    and sums likewise
//
// So a tile of up to R rows reads its activations in the order of the addresses, and a
// pair's scales are one register that fits the sums of a 2 × 2 tile: rows of activations
// × rows of weights. The last block is allocated whole; what stands in rows that do not
// exist is not read.
//
// With joined halves (rows are plain), for a product that gives the sums of two groups of 16 columns their integer
// scales by one instruction, which multiplies neighbouring sums of two products each by factors of their own:
//
//      each 32 columns   │ 0 1 │ 16 17 │ 2 3 │ 18 19 │ … │ 14 15 │ 30 31 │
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_MPGEMM_ACTIVATIONLAYOUT_H
#define NIBBLE_DIALECTS_MPGEMM_ACTIVATIONLAYOUT_H

#include <algorithm>
#include <cstdint>

namespace nibble::mpgemm {

struct ActivationLayout {
  int64_t columns = 0;
  int64_t interleaved = 1; ///< rows of a block: 1, or a power of two
  bool joinsHalves = false; ///< of plain rows

  static constexpr int64_t kStepColumns = 8; ///< of a row that lie together
  static constexpr int64_t kSpan = 32;       ///< columns of a pair that lie together

  /// The block for `rows` rows and an instruction that multiplies `strip` of them, in tiles of up to `tile`.
  static int64_t blockOf(int64_t rows, int64_t strip, int64_t tile) {
    int64_t block = 1;
    while (strip > 1 && block < rows && block < tile)
      block *= 2;
    return block;
  }

  bool isInterleaved() const { return interleaved > 1; }
  int64_t blocks(int64_t rows) const { return (rows + interleaved - 1) / interleaved; }
  /// Bytes of codes of a block.
  int64_t codesOfBlock() const { return interleaved * columns; }
  /// Scales or sums of a block, of `group` columns each.
  int64_t numbersOfBlock(int64_t group) const { return (isInterleaved() ? 2 * interleaved : 1) * (columns / group); }

  /// Within a block: from a row to the step that starts at a column, in bytes. Interleaved columns from `kSpan` on
  /// advance by `interleaved` bytes each, so a multiple of kSpan may be added as column · interleaved.
  int64_t codeOffset(int64_t row, int64_t column) const {
    if (!isInterleaved())
      return column / kSpan * kSpan + placeInSpan(column % kSpan);
    return column / kSpan * kSpan * interleaved + rowOffset(row) + column % kSpan / kStepColumns * kStepBytes +
           column % kStepColumns;
  }
  /// Of a column of kSpan plain ones.
  int64_t placeInSpan(int64_t column) const {
    constexpr int64_t kHalf = kSpan / 2;
    return joinsHalves ? column % kHalf / 2 * 4 + column / kHalf * 2 + column % 2 : column;
  }
  /// From one step of kStepColumns columns of an interleaved row to the next, in bytes.
  static constexpr int64_t kStepBytes = 2 * kStepColumns;
  int64_t rowOffset(int64_t row) const { return row / 2 * 2 * kSpan + row % 2 * kStepColumns; }

  /// Within a block: the first of a row's scales (or sums) of group `index`, in numbers.
  int64_t numberOffset(int64_t row, int64_t index) const {
    return isInterleaved() ? index * numbersOfGroup() + row * 2 : index;
  }
  /// From one group's numbers to the next one's.
  int64_t numbersOfGroup() const { return isInterleaved() ? 2 * interleaved : 1; }
};

} // namespace nibble::mpgemm

#endif // NIBBLE_DIALECTS_MPGEMM_ACTIVATIONLAYOUT_H
