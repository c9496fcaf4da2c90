//===- Activations.h - quantized activations as a row wants them -*- C++ -*-===//
//
// Brings plain codes, scales and sums into the order that a row of the instruction
// table reads (dialects/MPGEMM/ActivationLayout.h), by loops over its elements.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/MPGEMM/ActivationLayout.h"

#include <vector>

namespace nibble::test {

inline mpgemm::ActivationLayout activationLayout(const InstructionRow &row, int64_t m, int64_t k) {
  return {k, mpgemm::ActivationLayout::blockOf(m, row.isInteger() ? row.strip : 1, row.tile)};
}

/// Codes of m rows; what stands in rows that do not exist is -128, which no code is.
inline std::vector<int8_t> inOrder(const std::vector<int8_t> &codes, int64_t m, const mpgemm::ActivationLayout &layout) {
  if (!layout.isInterleaved())
    return codes;
  std::vector<int8_t> ordered(layout.blocks(m) * layout.codesOfBlock(), -128);
  for (int64_t row = 0; row < m; ++row)
    for (int64_t column = 0; column < layout.columns; ++column)
      ordered[row / layout.interleaved * layout.codesOfBlock() + layout.codeOffset(row % layout.interleaved, column)] =
          codes[row * layout.columns + column];
  return ordered;
}

/// Scales or sums of `group` columns each.
template <typename T>
std::vector<T> inOrder(const std::vector<T> &numbers, int64_t m, int64_t group, const mpgemm::ActivationLayout &layout) {
  if (!layout.isInterleaved())
    return numbers;
  int64_t groups = layout.columns / group;
  std::vector<T> ordered(layout.blocks(m) * layout.numbersOfBlock(group), T(1234567));
  for (int64_t row = 0; row < m; ++row)
    for (int64_t index = 0; index < groups; ++index)
      for (int64_t copy : {0, 1})
        ordered[row / layout.interleaved * layout.numbersOfBlock(group) +
                layout.numberOffset(row % layout.interleaved, index) + copy] = numbers[row * groups + index];
  return ordered;
}

} // namespace nibble::test
