//===- Activations.h - quantized activations as a row wants them -*- C++ -*-===//
//
// Brings plain codes, scales and sums into the order that a row of the instruction
// table reads (dialects/MPGEMM/ActivationLayout.h), by loops over its elements, and
// makes the tables of look-ups of them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/MPGEMM/ActivationLayout.h"
#include "dialects/MPGEMM/AveragedSums.h"
#include "dialects/MPGEMM/LookupLayout.h"

#include <algorithm>
#include <vector>

namespace nibble::test {

/// Codes of m rows; what stands in rows that do not exist is -128, which no code is.
inline std::vector<int8_t> inOrder(const std::vector<int8_t> &codes, int64_t m,
                                   const mpgemm::ActivationLayout &layout) {
  std::vector<int8_t> ordered(layout.blocks(m) * layout.codesOfBlock(), -128);
  for (int64_t row = 0; row < m; ++row)
    for (int64_t column = 0; column < layout.columns; ++column)
      ordered[row / layout.interleaved * layout.codesOfBlock() + layout.codeOffset(row % layout.interleaved, column)] =
          codes[row * layout.columns + column];
  return ordered;
}

/// Scales or sums of `group` columns each.
template <typename T>
std::vector<T> inOrder(const std::vector<T> &numbers, int64_t m, int64_t group,
                       const mpgemm::ActivationLayout &layout) {
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

/// Tables of rows of codes, and the bases of each `run` columns.
struct LookupTables {
  std::vector<uint8_t> tables;
  std::vector<int32_t> bases;
};

/// By the definitions in dialects/MPGEMM/LookupLayout.h and AveragedSums.h, of whole rows of k codes.
inline LookupTables makeTables(const std::vector<int8_t> &codes, int64_t k, int64_t run, bool averaged) {
  int64_t count = codes.size();
  LookupTables made;
  made.tables.assign(count / k * (averaged ? mpgemm::averagedTableBytes(k) : mpgemm::tableBytes(k)), 0);
  made.bases.assign(count / run, 0);
  for (int64_t at = 0; at < count; at += 4)
    for (int index = 0; index < 16; ++index) {
      int sum = 0;
      for (int i = 0; i < 4; ++i)
        sum += (index >> i & 1 ? 1 : 0) * codes[at + i] - std::min<int>(codes[at + i], 0);
      if (averaged) {
        made.tables[4 * at + index] = uint8_t((sum + 1) >> 1);
        continue;
      }
      uint8_t *entry = made.tables.data() + at / k * 8 * k + 4 * (at % k) + index;
      entry[0] = uint8_t(sum % 32), entry[4 * k] = uint8_t(sum / 32);
    }
  for (int64_t at = 0; at < count; ++at)
    made.bases[at / run] += std::min<int>(codes[at], 0);
  return made;
}

} // namespace nibble::test
