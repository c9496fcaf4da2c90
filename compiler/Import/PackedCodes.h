//===- PackedCodes.h - codes out of the words of a file ---------*- C++ -*-===//
//
// Reads rows of a matrix of codes that lie as a row of Packings.def says.
// Contract: reads only the words that hold the rows asked for (words that hold
// neighbours of one column bring their neighbours along), so memory is of the
// order of what is asked for. A matrix that does not fit between `offset` and the
// end of the file is an error.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_PACKEDCODES_H
#define NIBBLE_COMPILER_IMPORT_PACKEDCODES_H

#include "compiler/Import/BoundedReader.h"
#include "dialects/LowBit/Packings.h"

namespace nibble {

/// A matrix of codes in a file.
struct PackedMatrix {
  const lowbit::Packing *packing;
  unsigned width; ///< Bits of a code, 1 to 8.
  int64_t rows, columns;
  uint64_t offset; ///< Of its first word.
};

/// The codes of rows first … first + count - 1, row by row, into `out`, which
/// has count × columns bytes.
llvm::Error readCodes(const InputFile &file, const PackedMatrix &matrix,
                      int64_t first, int64_t count, uint8_t *out);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_PACKEDCODES_H
