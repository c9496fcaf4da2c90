//===- Grids.h - vector codebooks ----------------------------------------===//
//
// What: ggml's lattice formats store one index for 4 or 8 elements at a time,
// into a fixed list of vectors, and a flag for each element (its sign) or for a
// run of them (a shift). This is those lists.
// Why: the vectors are made of few distinct numbers, so an element on its own is
// a code in a small scalar codebook: digit | flag << digitBits. That is how the
// compiler computes with them; only the decoder sees vectors.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_GRIDS_H
#define NIBBLE_DIALECTS_LOWBIT_GRIDS_H

#include "dialects/LowBit/Codebook.h"

namespace nibble::lowbit {

struct Grid {
  const char *name;
  unsigned dimension; ///< Elements of a vector: 4 or 8.
  unsigned digitBits;
  const Codebook *codebook; ///< Of digitBits + 1 bits.
  /// Digits, the first element's in the lowest bits.
  llvm::ArrayRef<uint16_t> vectors;

  /// The vector's digits, one a byte, the first element's in the lowest byte.
  uint64_t spread(unsigned index) const {
    uint64_t bytes = 0;
    for (unsigned element = 0; element < dimension; ++element)
      bytes |= uint64_t(vectors[index] >> (element * digitBits) &
                        ((1u << digitBits) - 1))
               << (8 * element);
    return bytes;
  }
};

/// By the name in Grids.def, or null.
const Grid *findGrid(llvm::StringRef name);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_GRIDS_H
