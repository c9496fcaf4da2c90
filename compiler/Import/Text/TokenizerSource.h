//===- TokenizerSource.h - A tokenizer as the model file states it --------===//
//
// The meeting point of the GGUF reader and the tokenizer compiler: the reader
// copies the `tokenizer.ggml.*` keys here without judging them, and
// buildTokenizer (TokenizerBuilder.h) checks every number before it is used.
// The struct is plain so that neither side needs the other's headers.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERSOURCE_H
#define NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERSOURCE_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nibble {

/// Values of `tokenizer.ggml.token_type`.
enum class TokenType : int32_t {
  Normal = 1,
  Unknown = 2,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6,
};

/// How a token is found in a text: bits of `tokenizer.nibble.matching`.
enum TokenMatching : uint8_t {
  StripsLeft = 1,       ///< The white space before it is part of it.
  StripsRight = 2,      ///< And that behind it.
  InNormalizedText = 4, ///< It is looked for when the text has been normalized.
  AllMatching = 7,
};

/// A step of normalization, by its name in tokenizer.json:
///   NFC, NFD, NFKC, NFKD, Lowercase, StripAccents
///   Replace  each `first` by `second`          Prepend  `first`
///   Strip    `first`: "left", "right" or "both"
///   Bert     `first`: words of "clean chinese accents lowercase"; accents are
///            removed
struct NormalizerStepSource {
  std::string name, first, second;
};

/// A regular expression that cuts text into words, and which of the pieces go on.
struct WordPatternSource {
  std::string regex;
  bool keepsMatches = true;
  bool keepsOthers = true; ///< What lies between matches.
};

/// What `tokenizer.ggml.*` says. A key that the file lacks keeps its default
/// here; the builder knows what an absent key means for each model.
struct TokenizerSource {
  std::string model;               ///< tokenizer.ggml.model: "gpt2", "llama", "bert", "bpe" or "unigram"
  std::string pre;                 ///< tokenizer.ggml.pre; empty if absent
  std::vector<std::string> tokens; ///< tokenizer.ggml.tokens, by id
  std::vector<std::string> merges; ///< tokenizer.ggml.merges ("left right")
  std::vector<double> scores;      ///< tokenizer.ggml.scores; may be empty
  std::vector<int32_t> types;      ///< tokenizer.ggml.token_type; may be empty

  // tokenizer.ggml.{bos,eos,eot,unknown,padding}_token_id; -1 = none.
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t eot = -1;
  int32_t unk = -1;
  int32_t pad = -1;

  // tokenizer.ggml.add_{bos_token,eos_token,space_prefix}. Absent: the
  // tokenizer family's own rule applies.
  std::optional<bool> addBos;
  std::optional<bool> addEos;
  std::optional<bool> addSpacePrefix;

  /// tokenizer.ggml.remove_extra_whitespaces.
  bool removeExtraWhitespaces = false;

  // tokenizer.nibble.*: what only tokenizer.json can say.
  std::optional<bool> ignoreMerges; ///< Absent: as the pre-tokenizer has it.
  std::string spacePrefix;          ///< "none", "each", "missing", "first"
  /// In this order, before text is cut. Absent: as the pre-tokenizer has it.
  std::optional<std::vector<NormalizerStepSource>> normalizer;
  /// In this order. Absent: as the pre-tokenizer's name says.
  std::optional<std::vector<WordPatternSource>> patterns;
  /// WordPiece: longer words are unknown.
  uint32_t maxWordCharacters = 100;
  bool cutsAtEachSpace = false;     ///< Each space begins a word.
  std::vector<int32_t> ends;        ///< end_token_ids, besides eos and eot
  /// By id, may be empty: bits of TokenMatching.
  std::vector<uint8_t> matching;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERSOURCE_H
