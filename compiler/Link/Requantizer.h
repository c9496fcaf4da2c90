//===- Requantizer.h - a source whose values are rounded while it is packed ===//
//
// What: wraps the rows of a source in one that gives them in the weight's own type: decoded, rounded to the type
// (dialects/LowBit/Encoder.h) and split into parts; and measures the error.
// Contract: memory is bounded by some hundred rows, whatever the size of the source. A source that holds the type
// already is passed on as it is.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/Packer.h"

#include "mlir/IR/Types.h"

namespace nibble {

/// What rounding did to a tensor. Errors are relative: root of (sum of squared differences / sum of squares).
struct RequantizedTensor {
  std::string name, from, to; ///< formats as text
  bool isCalibrated = false;  ///< by what its products err
  int64_t values = 0;
  double bits = 0; ///< a weight, scales included
  double squares = 0, errorSquares = 0;
  double worst = 0; ///< the largest relative error of a block
  int64_t worstRow = 0, worstColumn = 0; ///< where that block starts

  double error() const;
};

/// `source` in the type `element` with `columns` columns. A type with parts that all rows share is looked for in a
/// first pass over (some of) the rows. With `moments` of what the rows are multiplied with (InputMoments.h), it is the
/// products that are to err little. `report` is filled as rows pass by; both must outlive the packing.
PackSource requantize(PackSource source, mlir::Type element, int64_t columns, RequantizedTensor &report,
                      const std::vector<float> *moments = nullptr);

/// Bits that a number of the type takes in rows of that length, its share of scales included.
double bitsOf(mlir::Type element, int64_t columns);

/// A line a tensor and the sum of all, as a table.
void printErrors(llvm::ArrayRef<RequantizedTensor> tensors, llvm::raw_ostream &out);

} // namespace nibble
