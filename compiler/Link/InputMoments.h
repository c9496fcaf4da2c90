//===- InputMoments.h - what the linears of a model read ------------------===//
//
// Σ x·xᵀ of the rows that a matrix of a model is multiplied with (compiler/Calibrate computes them), by the place of
// the matrix in its file: names change when linears are joined, places do not. dialects/LowBit/Compensation.h says what
// they are good for. They are asked for one after the other, as weights are packed, because those of all matrices
// together may take more memory than the model.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/LM/LM.h"

#include "llvm/Support/Error.h"

#include <vector>

namespace nibble {

class InputMoments {
public:
  using Matrix = std::vector<float>; ///< columns × columns, the upper triangle filled

  virtual ~InputMoments() = default;
  /// Null if nothing is known of that source. Valid until the next call.
  virtual llvm::Expected<const Matrix *> of(lm::SourceAttr source) = 0;
};

} // namespace nibble
