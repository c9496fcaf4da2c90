//===- RowEncoder.h - a row of numbers into low-bit codes ------*- C++ -*-===//
//
// What: a row is encoded span by span, a span being the numbers that share a
// float scale. One level: the best scale (and minimum) of the group, rounded to
// its float type, then the nearest codes. Two levels:
//
//   1. every group finds its own best scale (and minimum);
//   2. the span's float maps the largest of them to the largest integer, and all
//      others are rounded to integers;
//   3. with the codes that follow from this, the span's floats are the solution
//      of least squares, and with these each group tries the neighbours of its
//      integers. Step 3 is done twice.
//
// With a compensation, columns that it counts more weigh more in these fits, and
// when a row has its scales, all its codes are chosen again, each by what the
// columns before it err by.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_ROWENCODER_H
#define NIBBLE_DIALECTS_LOWBIT_ROWENCODER_H

#include "dialects/LowBit/BlockFit.h"
#include "dialects/LowBit/Compensation.h"
#include "dialects/LowBit/Encoder.h"

namespace nibble::lowbit {

/// Kinds of so few numbers that the nearest one need not be the best.
inline bool isCoarse(FloatKind kind) { return byteWidth(kind) == 1; }

/// Columns that share a float scale.
inline int64_t spanOf(BlockType type, int64_t columns) {
  return type.hasWholeRows() ? columns : type.getScaleSpan();
}

/// A group of a span with two levels.
struct Group {
  Sample sample;
  Fit fit;              ///< Of its own, before integers.
  int sub = 0, min = 0; ///< Its integers.
};

using ScaleBits = decltype(Planes::scale)::value_type;

/// Where the parts of one row go.
struct RowParts {
  uint8_t *codes;
  int16_t *subScale, *subMin;
  ScaleBits *scale, *min;
};

/// Encodes the spans of rows; one for each thread.
class RowEncoder {
public:
  RowEncoder(BlockType type, const Levels &levels, int64_t columns,
             const SharedParts &shared, const Compensation *compensation)
      : type(type), levels(levels), columns(columns), shared(shared),
        compensation(compensation), span(spanOf(type, columns)), group(type.getGroupIn(columns)),
        stride((group + 7) / 8 * 8),
        isNegative(type.isTwoLevel() ? type.getScale().sub.isSigned
                                     : !isCoarse(type.getScale().floatKind)) {}

  void encode(const float *x, RowParts out);

private:
  void load(const float *x, int64_t first);
  uint32_t bestNeighbour(uint32_t bits, float minimum);
  Fit fitOneLevel(uint32_t &bits);
  void encodeOneLevel(RowParts &out);
  void encodeTwoLevels(RowParts &out);
  void chooseIntegers(float scale, float min);
  void refineFloats(float &scale, float &min);
  void addSums(const Group &part, float scale, float min, double sums[5]);
  void refineGroup(Group &part, float scale, float min);
  Fit fitOf(const Group &part, float scale, float min) const;
  /// The bits of a number of the span, and the number that they hold.
  uint32_t bitsOf(float scale) const {
    return finiteBits(type.getScale().floatKind, scale * unit);
  }
  float rounded(float scale) const {
    return toFloat(type.getScale().floatKind, bitsOf(scale)) / unit;
  }
  void storeCodes(const Sample &sample, Fit fit, uint8_t *codes);
  void compensate(const float *x, uint8_t *codes);

  BlockType type;
  const Levels &levels;
  int64_t columns;
  const SharedParts &shared;
  const Compensation *compensation; ///< Or null.
  int64_t span, group, stride;
  bool isNegative;
  float unit = 1; ///< A power of two that was taken out of the span's numbers.
  std::vector<float> values, weights; ///< Of a span, each group padded.
  std::vector<Group> groups;
  std::vector<Fit> fits;     ///< Of the row's groups, in the values' own magnitude.
  std::vector<float> errors; ///< With compensation: of the columns in its order.
  Scratch scratch;
};

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_ROWENCODER_H
