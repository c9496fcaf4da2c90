//===- PreTokenizers.h - The pre-tokenizers that Nibble has -----*- C++ -*-===//
//
// `tokenizer.ggml.pre` names the model a regular expression was first seen in;
// many names stand for one expression. The table maps names to scanners of
// runtime/text/WordScanner.h, with the defaults that come with the name.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_PRETOKENIZERS_H
#define NIBBLE_COMPILER_IMPORT_TEXT_PRETOKENIZERS_H

#include "runtime/schema/tokenizer_generated.h"

#include "llvm/ADT/StringRef.h"

#include <string>

namespace nibble {

struct PreTokenizerRow {
  llvm::StringRef name; ///< value of tokenizer.ggml.pre
  schema::PreTokenizer scanner;
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

/// The name of the pre-tokenizer that tokenizer.json writes as `steps`, or "".
/// One line a step: `split REGEX`, `digits` (each a word), `numbers`, `gpt2`
/// (its expression, on what the steps before left).
llvm::StringRef findPreTokenizerBySteps(llvm::StringRef steps);

/// All names, sorted, with commas between: for error messages.
std::string listPreTokenizers();

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_PRETOKENIZERS_H
