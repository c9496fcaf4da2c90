//===- JoinedPairs.h - Where merges can't reach across ----------*- C++ -*-===//
//
// A merge joins the last byte of its left part to the first byte of its right
// part. Between two bytes that no merge joins, text can be cut before anything
// merges: the parts merge as they would have merged together, since a merge in
// one never changes a rank in the other. Vocabularies trained on words leave a
// cut at nearly every space, so that whole words are found by one look-up.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_JOINEDPAIRS_H
#define NIBBLE_COMPILER_IMPORT_TEXT_JOINEDPAIRS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <vector>

namespace nibble {

/// The bits of schema::Tokenizer::joins. The bytes of a character always join.
class JoinedPairs {
public:
  JoinedPairs();

  /// `token` may come of any merge that spells it: between all of its characters.
  void addToken(llvm::StringRef token);

  /// The merge of two parts, neither of them empty.
  void addMerge(llvm::StringRef left, llvm::StringRef right) { add(left.back(), right.front()); }

  const std::vector<uint8_t> &getBits() const { return bits; }

private:
  void add(char a, char b);

  std::vector<uint8_t> bits = std::vector<uint8_t>(256 * 256 / 8);
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_JOINEDPAIRS_H
