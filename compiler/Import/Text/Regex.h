//===- Regex.h - The regular expressions of pre-tokenizers ------*- C++ -*-===//
//
// The part of Oniguruma's language that cuts text into words: characters, classes,
// groups, alternatives in order, greedy repetition, (?i:…) of ASCII letters, and a
// look at one character ahead: (?!X), (?=X), $. Anything else is an error that
// names it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_REGEX_H
#define NIBBLE_COMPILER_IMPORT_TEXT_REGEX_H

#include "compiler/Import/Text/CodePointSet.h"

#include "llvm/Support/Error.h"

namespace nibble {

struct Regex {
  enum class Kind {
    Set,         ///< one character of `set`
    Ahead,       ///< none; the next one is of `set`, or with `atEnd` there is none
    Sequence,    ///< the children one after the other
    Alternative, ///< the first child that lets the whole match
    Repeat,      ///< children[0], `least` to `most` times, as often as possible
  };
  static constexpr unsigned unbounded = ~0u;

  Kind kind = Kind::Sequence;
  CodePointSet set;
  bool atEnd = false;
  unsigned least = 0, most = 0;
  std::vector<Regex> children;
};

llvm::Expected<Regex> parseRegex(llvm::StringRef text);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_REGEX_H
