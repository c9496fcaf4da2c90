//===- TokenizeCommand.h - What `nibble tokenize` does ----------*- C++ -*-===//
//
// Text to token ids and back with the very tables and the very code that a
// compiled program has. The driver reads the model and standard input.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZECOMMAND_H
#define NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZECOMMAND_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nibble {

struct TokenizeOptions {
  /// The input is ids, separated by white space; the output is their text.
  bool decode = false;
  /// Behind each id a tab and its piece, with C escapes for what isn't printable ASCII.
  bool pieces = false;
  /// Control tokens are recognised by their spelling; decoding writes them.
  bool parseSpecial = false;
  /// BOS and EOS are added as the model wants.
  bool addSpecial = false;
};

/// Encodes `input` to ids, one a line, or decodes it, with the tokenizer in `table` (a finished FlatBuffer with
/// schema::Tokenizer as its root). Bytes that the vocabulary can't express and ids that it doesn't have are errors;
/// the former come after the ids of all the rest have been written.
llvm::Error tokenize(llvm::ArrayRef<uint8_t> table, llvm::StringRef input, const TokenizeOptions &options,
                     llvm::raw_ostream &os);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZECOMMAND_H
