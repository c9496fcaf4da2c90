//===- TokenizerJSON.h - tokenizer.json in GGUF's words ---------*- C++ -*-===//
//
// Turns the texts of a folder into the keys `tokenizer.*` and
// `general.sampling.*`. What GGUF has no word for goes to keys of Nibble's own,
// `tokenizer.nibble.*` (TokenizerMetadata.h reads both). Contract: a step of the
// tokenizer that Nibble has no equal of is an error that names it; nothing is
// skipped.
//
// The format is that of the library `tokenizers`.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_TOKENIZERJSON_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_TOKENIZERJSON_H

#include "compiler/Import/HuggingFace/Folder.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace nibble {

/// All texts of the folder: the tokenizer, the chat template, the defaults for
/// sampling. `config` is config.json. `vocabulary`: the one file to take the
/// tokenizer from, "tokenizer.json" or "vocab.txt"; "" takes the first that is
/// there. Without any there is no `tokenizer.ggml.*`.
llvm::Error translateTexts(const JSONView &config, HuggingFaceFolder &folder,
                           llvm::StringRef vocabulary = "");

/// The keys of tokenizer.json. `rows` is the height of the embedding table, or
/// 0 if there is none: rows past the vocabulary get unused tokens.
llvm::Error translateTokenizer(const JSONView &tokenizer, uint64_t rows,
                               HuggingFaceFolder &folder);

/// The keys of vocab.txt, if there is one: BERT's pieces, one a line, with the
/// settings of tokenizer_config.json.
llvm::Error translateWordPieces(HuggingFaceFolder &folder);

/// How text is cut before merging, as `normalizer` and `pre_tokenizer` say.
struct TextSteps {
  /// Bytes are spelled in GPT-2's alphabet.
  bool byteLevel = false;
  /// "all", "matches" or "others", a space and a regular expression: which of its
  /// pieces go on to the next.
  StringTable patterns;
  /// What is put before a text whose spaces are pieces: "none", "each" (always),
  /// "missing" (where no space is) or "first" (at the beginning of all text,
  /// where no space is).
  std::string spacePrefix = "none";
  /// Each space begins a word.
  bool cutsAtEachSpace = false;
  /// Words are cut as BERT's are.
  bool bert = false;
  /// Three strings a step: NormalizerStepSource.
  StringTable normalizer;
};

llvm::Expected<TextSteps> readTextSteps(const JSONView &tokenizer);

/// What is put around a text, as `post_processor` says; `findId` gives a token's number, -1 if there is none.
llvm::Error readTextFrame(const JSONView &tokenizer, llvm::function_ref<int64_t(llvm::StringRef)> findId,
                          HuggingFaceFolder &folder);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_TOKENIZERJSON_H
