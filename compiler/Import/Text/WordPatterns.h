//===- WordPatterns.h - Regular expressions to automata ---------*- C++ -*-===//
//
// A pre-tokenizer is a list of regular expressions, each of which cuts what the
// ones before it left. They become tables here; the program on the device knows
// no regular expressions. What a match is stays that of a backtracking engine:
// the leftmost, and of those the one that the first alternatives give.
//
// Contract: an expression whose search could look at a character again and again
// is refused, so cutting is linear in the text for whatever is accepted.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_WORDPATTERNS_H
#define NIBBLE_COMPILER_IMPORT_TEXT_WORDPATTERNS_H

#include "compiler/Import/Text/TokenizerSource.h"

#include "runtime/schema/tokenizer_generated.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace nibble {

/// Rows of schema::WordPattern, and the symbols of characters.
struct WordPatternTables {
  struct Pattern {
    std::vector<uint16_t> transitions;
    bool isRun = false;
    bool keepsMatches = true, keepsOthers = true;
  };
  uint16_t symbols = 1;
  std::vector<Pattern> patterns;
  std::vector<uint16_t> blocks; ///< code point / 128 → block
  std::vector<uint8_t> classes; ///< block × 128
  uint8_t invalidClass = 0;
};

llvm::Expected<WordPatternTables> buildWordPatterns(llvm::ArrayRef<WordPatternSource> sources);

/// The vector `patterns` of schema::Tokenizer.
flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::WordPattern>>>
writeWordPatterns(const WordPatternTables &tables, flatbuffers::FlatBufferBuilder &builder);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_WORDPATTERNS_H
