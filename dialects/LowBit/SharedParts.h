//===- SharedParts.h - what all rows of a tensor have in common ----------===//
//
// What: the scale, minimum or codebook of a tensor whose type has one for all of
// it, and the search for them.
// Why: rows are rounded while they stream by, and these must be known before the
// first of them.
// Contract: depends on the tensor alone, not on how its rows are cut. Memory is
// bounded: a search looks at 2^20 values at most, those of rows evenly spread over
// the tensor, except for means of all values.
//
// One scale for all of a ternary tensor is what BitNet b1.58 is trained with (arXiv
// 2402.17764), and it is chosen as there: the mean magnitude, with codes
// round(w / scale) cut to -1 … 1. Weights that are ternary already keep their scale.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_SHAREDPARTS_H
#define NIBBLE_DIALECTS_LOWBIT_SHAREDPARTS_H

#include "dialects/LowBit/LowBit.h"

#include <optional>
#include <vector>

namespace nibble::lowbit {

struct SharedParts {
  std::optional<uint32_t> scale, min; ///< Bits of their float type.
  std::vector<uint8_t> book;
};

class SharedSearch {
public:
  SharedSearch(BlockType type, int64_t rows, int64_t columns);

  /// Whether the type has anything to be found.
  static bool isNeeded(BlockType type);
  /// Whether a row is to be added.
  bool wants(int64_t row) const { return row % every == 0; }
  void add(const float *values);
  /// After all rows that are wanted.
  SharedParts find();

private:
  void addMagnitudes(const float *values);
  SharedParts findTernary() const;

  BlockType type;
  int64_t columns, every = 1;
  bool isTernary; ///< Of one scale.
  std::vector<float> values;
  // Of ternary tensors, whose values are not kept.
  double sum = 0; ///< Of magnitudes.
  int64_t count = 0;
  float onlyMagnitude = 0; ///< Of all that are not zero, as long as they have the same.
  bool hasOthers = false;
};

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_SHAREDPARTS_H
