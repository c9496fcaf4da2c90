//===- CodePointSet.h - Sets of characters ----------------------*- C++ -*-===//
//
// What a class of a regular expression stands for. Besides Unicode's code points
// there is one more, CodePointSet::invalid: a byte that begins no character. Only
// sets made by complement hold it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_CODEPOINTSET_H
#define NIBBLE_COMPILER_IMPORT_TEXT_CODEPOINTSET_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace nibble {

class CodePointSet {
public:
  static constexpr uint32_t invalid = 0x110000;

  CodePointSet() = default;
  CodePointSet(uint32_t first, uint32_t last) : list{{first, last}} {}

  void add(const CodePointSet &other);
  CodePointSet complement() const;
  bool contains(uint32_t code) const;

  /// First and last of each range, ascending, with gaps between.
  const std::vector<std::pair<uint32_t, uint32_t>> &ranges() const { return list; }

  /// A general category by its short name ("L", "Lu"); none if there is no such one.
  static std::optional<CodePointSet> category(llvm::StringRef name);
  static CodePointSet whiteSpace();

private:
  template <typename Contains> static CodePointSet collect(Contains contains);

  std::vector<std::pair<uint32_t, uint32_t>> list;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_CODEPOINTSET_H
