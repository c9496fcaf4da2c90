//===- InputMoments.h - what the linears of a model read ------------------===//
//
// Σ x·xᵀ of the rows that each matrix of a model is multiplied with (compiler/Calibrate computes them), by the place of
// the matrix in its file: names change when linears are joined, places do not. dialects/LowBit/Compensation.h says what
// they are good for.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/LM/LM.h"

#include "llvm/ADT/StringMap.h"

#include <string>
#include <vector>

namespace nibble {

class InputMoments {
public:
  using Matrix = std::vector<float>; ///< columns × columns, the upper triangle filled

  /// The matrix of a source, empty at first.
  Matrix &operator[](lm::SourceAttr source) { return matrices[keyOf(source)]; }
  /// Null if nothing is known.
  const Matrix *find(lm::SourceAttr source) const {
    auto found = matrices.find(keyOf(source));
    return found == matrices.end() ? nullptr : &found->second;
  }
  bool empty() const { return matrices.empty(); }

private:
  static std::string keyOf(lm::SourceAttr source) {
    return source.getFile().str() + ":" + std::to_string(source.getOffset());
  }

  llvm::StringMap<Matrix> matrices;
};

} // namespace nibble
