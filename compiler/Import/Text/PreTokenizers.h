//===- PreTokenizers.h - The pre-tokenizers that Nibble has -----*- C++ -*-===//
//
// `tokenizer.ggml.pre` names the model a pre-tokenizer was first seen in; many
// names stand for the same regular expressions. The table has the expressions of
// each name, with the defaults that come with it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_PRETOKENIZERS_H
#define NIBBLE_COMPILER_IMPORT_TEXT_PRETOKENIZERS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace nibble {

struct PreTokenizerRow {
  llvm::StringRef names; ///< Values of tokenizer.ggml.pre, with spaces between.
  /// Each cuts what the one before it left; matches and what lies between go on.
  llvm::ArrayRef<llvm::StringLiteral> patterns;
  /// A word that is a token is never taken apart, whatever the merges say.
  bool ignoreMerges;
  /// BOS is put in front where the file does not say.
  bool addBos;
  /// Text is brought to normal form C: GGUF has no word for it, the models' own
  /// tokenizer.json say so.
  bool composes = false;
};

/// The row of `name`, or null.
const PreTokenizerRow *findPreTokenizer(llvm::StringRef name);

/// The expression of GPT-2, which tokenizer.json spells "ByteLevel".
llvm::StringRef getByteLevelPattern();
/// A character of BERT's punctuation.
llvm::StringRef getPunctuationPattern();

/// All names, sorted, with commas between: for error messages.
std::string listPreTokenizers();

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_PRETOKENIZERS_H
