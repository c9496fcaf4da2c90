//===- Packings.h - where a method of quantization puts its codes ---------===//
//
// What: the table of packings, and the place of each code in one.
// Why: checkpoints of GPTQ, AWQ, bitsandbytes and their like hold codes, scales
// and zero points in tensors of their own. What the numbers are is said by
// !lowbit.block; where the codes lie is a row of Packings.def, and there is no
// function per method.
// Contract: plain arithmetic. A matrix of codes has rows (outputs) and columns
// (inputs); a file has words, little endian:
//
//   along Columns             a word holds neighbours of one row
//   along Rows                a word holds neighbours of one column
//   wordsOutermost            word 0 of everything, then word 1 of everything;
//                             else all words of the first row (or column), then
//                             those of the second
//
//   GPTQ       along Columns, words outermost    word (column / 8, row)
//   AWQ        along Rows                        word (column, row / 8)
//   int8       along Columns                     word (row, column)
//
// Inside a word, code i of w bits is at bit w · slot(i). With `spans`, codes are
// a stream of bits and some lie in two words. With `planar`, the codes of a word
// are not neighbours: of 4 · n codes, word j holds j, n+j, 2n+j and 3n+j.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_PACKINGS_H
#define NIBBLE_DIALECTS_LOWBIT_PACKINGS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace nibble::lowbit {

/// A code's place among the words that hold its row (or column).
struct CodePlace {
  int64_t word;
  unsigned shift; ///< With `spans`, bits past the word are the next one's lowest.
};

/// A row of the table.
struct Packing {
  enum Axis : uint8_t { Columns, Rows };
  enum Order : uint8_t {
    LowFirst,  ///< The first code in the lowest bits.
    HighFirst, ///< In the highest.
    EvenFirst  ///< Of eight: 0, 2, 4, 6, 1, 3, 5, 7 from the lowest bits on.
  };

  const char *name = "";
  Axis along = Columns;
  bool wordsOutermost = false;
  unsigned wordBits = 8;
  Order order = LowFirst;
  bool spans = false, planar = false;

  unsigned wordBytes() const { return wordBits / 8; }
  /// Words for `count` codes of `width` bits.
  int64_t wordsFor(int64_t count, unsigned width) const {
    if (spans)
      return (count * width + wordBits - 1) / wordBits;
    int64_t perWord = wordBits / width;
    return (count + perWord - 1) / perWord;
  }
  /// Bytes of a matrix.
  int64_t bytesFor(int64_t rows, int64_t columns, unsigned width) const {
    return along == Columns ? rows * wordsFor(columns, width) * wordBytes()
                            : columns * wordsFor(rows, width) * wordBytes();
  }
  /// Of code `index` of `count`.
  CodePlace placeOf(int64_t index, int64_t count, unsigned width) const;
};

llvm::ArrayRef<Packing> packings();

/// By name, or null.
const Packing *findPacking(llvm::StringRef name);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_PACKINGS_H
