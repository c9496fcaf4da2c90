//===- Levels.h - the numbers a code can stand for -----------------------===//
//
// What: the values of all codes of a type before they are scaled, sorted, and
// the nearest of them to given numbers.
// Why: rounding is the same task for integers, ternary codes and codebooks; the
// search for scales (BlockFit.h) and the encoder (Encoder.h) only see levels.
// Contract: nearest() is exact: ties go to either neighbour, everything else to
// the closest level.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_LEVELS_H
#define NIBBLE_DIALECTS_LOWBIT_LEVELS_H

#include "dialects/LowBit/LowBit.h"

#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace nibble::lowbit {

class Levels {
public:
  /// The levels of a type's codes. Two bits around a zero point of 1 are how
  /// ternary numbers are stored: their fourth code, 2, is not used.
  static Levels of(BlockType type);
  /// Level i belongs to code i; equal values are one level, and what is not
  /// finite is none.
  explicit Levels(llvm::ArrayRef<float> valueOfCode);

  float lowest() const { return values.front(); }
  float highest() const { return values.back(); }
  size_t size() const { return values.size(); }

  /// level[i] = the level nearest to (x[i] - shift) · inverse; `count` is a
  /// multiple of 8.
  void nearest(const float *x, float shift, float inverse, size_t count,
               float *level) const;

  /// The code of a level that nearest() gave.
  uint8_t codeOf(float level) const;

private:
  std::vector<float> values;  ///< Ascending.
  std::vector<float> middles; ///< Between neighbours.
  std::vector<uint8_t> codes; ///< Of each value.
  bool isUniform = false;     ///< Consecutive integers.
};

/// The number of every code of a type before it is scaled: the code minus the
/// zero point, or the codebook's number. The type's codebook is not a stored one.
std::vector<float> valuesOfCodes(BlockType type);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_LEVELS_H
