//===- WordScanner.h - cutting text into words before merging ----*- C++ -*-===//
//
// The pre-tokenizers of most models are regular expressions, which the compiler
// turns into automata (compiler/Import/Text/WordPatterns.h). One or several cut
// text in turn, each what the one before it left:
//
//   text         "ab 12"
//   \p{N}        "ab " · "1" · "2"        what matches, and what lies between
//   GPT-2's      "ab" · " " · "1" · "2"
//
// An automaton goes over the symbols of the characters, the end of the text last. A
// transition says whether a match ends before the symbol that is read; the last such
// place is the match. The compiler accepts only automata that don't look at the same
// text again and again, so time is linear. (A run of which no part matches is skipped.)
//
// Without patterns: Pairs cuts between two bytes that no merge joins, EachSpace before
// every ' ', Whole not at all.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/schema/tokenizer_generated.h"
#include "runtime/text/UnicodeClass.h"

#include <string_view>

namespace nibble::rt {

class WordScanner {
public:
  /// The compiler refuses longer lists; the deepest has six (DeepSeek LLM).
  static constexpr size_t MaxPatterns = 8;

  WordScanner(const schema::Tokenizer &table, std::string_view text);

  /// The next word, never empty; false at the end. The words in order are the text, but for what patterns drop.
  bool next(std::string_view &word);

  /// Symbols that were read so far: what time is spent on.
  size_t steps() const { return stepCount; }

private:
  /// What one pattern has before it.
  struct Level {
    size_t position = 0, end = 0;
    size_t matchEnd = 0; // of a match that begins at `position`, once it is known
  };

  size_t match(const schema::WordPattern &pattern, size_t begin, size_t end, size_t &read);
  bool cut(size_t depth, size_t &pieceEnd);
  bool nextOfPatterns(std::string_view &word);

  std::string_view text;
  const schema::Tokenizer &table;
  UnicodeClasses classes;
  size_t position = 0; // without patterns
  size_t stepCount = 0;
  size_t depth = 0;
  size_t count = 0; // of patterns
  Level levels[MaxPatterns];
};

} // namespace nibble::rt
