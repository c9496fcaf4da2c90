//===- WordScanner.h - cutting text into words before merging ----*- C++ -*-===//
//
// The pre-tokenizers of the byte-level BPE models are regular expressions. Each is
// written here as a scanner that looks at every character at most three times and
// needs no stack, whatever the text is. With \s, \p{L}, \p{N} of Unicode and an
// invalid byte standing for a character of no class:
//
//   GPT2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   SmolLM  each \p{N} is a word; GPT2 on the text between
//   Llama3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
//           | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//   Qwen2   the same with \p{N} in place of \p{N}{1,3}
//   Tekken  [^\r\n\p{L}\p{N}]?U*V+|[^\r\n\p{L}\p{N}]?U+V*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//           where U is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and V is [\p{Ll}\p{Lm}\p{Lo}\p{M}]
//   Default runs of [\p{P}$+<=>^~|] are words; GPT2 on the text between; of its words the numbers are cut off
//           the space before them, and every three ASCII digits make a word
//   Bert    white space is no word; a character of punctuation is one; so is what lies between
//   Spaces  before a ' ' that follows something else (SentencePiece)
//   EachSpace  before every ' '
//   Whole   the text is one word
//
// (?i:…) of the engines that these models were trained with folds U+017F to s.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/schema/tokenizer_generated.h"
#include "runtime/text/UnicodeClass.h"

#include <string_view>

namespace nibble::rt {

class WordScanner {
public:
  WordScanner(schema::PreTokenizer kind, UnicodeClasses classes, std::string_view text)
      : text(text), classes(classes), kind(kind) {}

  /// The next word, never empty; false at the end. The words in order are the text, but for Bert's white space.
  bool next(std::string_view &word);

private:
  struct Seen {
    uint32_t code;
    uint32_t length;
    uint8_t classBits;
  };

  Seen at(size_t offset, size_t end) const;
  size_t skip(size_t offset, size_t end, uint8_t classBits) const;
  size_t skipOther(size_t offset, size_t end) const;
  size_t skipLineEnds(size_t offset, size_t end) const;
  size_t contraction(size_t offset, size_t end, bool anyCase) const;
  size_t whitespace(size_t offset, size_t end) const;
  size_t wordGPT2(size_t offset, size_t end) const;
  size_t wordLlama3(size_t offset, size_t end, unsigned digits) const;
  size_t lineEndsOrSpace(size_t offset, size_t end) const;
  size_t upperThenLower(size_t offset) const;
  size_t upperOrLower(size_t offset) const;
  size_t wordTekken(size_t offset) const;
  size_t wordSmolLM(size_t offset);
  size_t wordDefault(size_t offset);
  size_t wordSpaces(size_t offset) const;
  size_t wordEachSpace(size_t offset) const;
  size_t wordBert(size_t offset) const;
  bool isDefaultPunctuation(const Seen &seen) const;

  std::string_view text;
  UnicodeClasses classes;
  size_t position = 0;
  size_t chunkEnd = 0; // SmolLM, Default: end of the text that the inner expression sees
  schema::PreTokenizer kind;
};

} // namespace nibble::rt
