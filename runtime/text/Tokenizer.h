//===- Tokenizer.h - text to token ids and back ------------------*- C++ -*-===//
//
// Reads the tables of runtime/schema/tokenizer.fbs in place. Encoding is byte-level
// BPE (GPT-2's family), SentencePiece-BPE (Llama 2's), the same from a list of merges,
// SentencePiece-Unigram (arXiv 1804.10959) or WordPiece (BERT's), with control tokens
// and the model's BOS/EOS rules. Where the model doesn't normalize its text the round
// trip is exact: whatever bytes go in, invalid UTF-8
// included, the bytes of the ids are the same (UnknownBytes tells when a vocabulary
// has no token for some byte; SentencePiece's U+2581 is spelled in bytes, because the
// token that looks like it stands for a space). WordPiece keeps words alone.
//
// Contract: no allocation, no exceptions, constant stack; the caller gives a
// workspace of workspaceSize(bytes of text) and room for maxTokens(bytes of text).
// Time is O(n log n) for every text of n bytes. All const: threads may share one.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/schema/tokenizer_generated.h"
#include "runtime/text/Segment.h"
#include "runtime/text/TextError.h"

#include <span>
#include <string_view>

namespace nibble::rt {

/// Which tokens are recognised by their spelling in the text.
enum class SpecialTokens : uint8_t {
  None,        // none at all
  UserDefined, // pieces that the vocabulary defines as a whole ("<tool_call>", Gemma's runs of line ends): text as
               // trained
  All,         // also control tokens: only for text that the program itself wrote
};

struct EncodeOptions {
  SpecialTokens specials = SpecialTokens::UserDefined;
  bool addSpecial = false; // put bos before and eos behind, as far as the model wants that

  /// With SpecialTokens::All: control tokens count only where they lie in template segments. Empty: everywhere.
  std::span<const Segment> segments = {};

  /// Counts what was looked at: bytes for words, symbols for merges, edges of tries. Time is proportional to it.
  size_t *steps = nullptr;
};

struct DecodeOptions {
  bool control = false;     // write control tokens as their names
  bool atBeginning = true;  // the ids begin a text: drop the space that SentencePiece put there
};

class Tokenizer {
public:
  Tokenizer() = default;

  /// Checks what can be checked in constant time; the FlatBuffer is verified and outlives the tokenizer.
  static TextError open(const schema::Tokenizer *table, Tokenizer &tokenizer);

  /// Bytes of workspace for a text of `textBytes`. The workspace is 8-byte aligned. A text that normalization makes
  /// several times longer may need more; encode() says so.
  static constexpr size_t workspaceSize(size_t textBytes) { return (textBytes + 8) * 29 + 64; }

  /// Ids that a text of `textBytes` has at most, bos and eos included.
  static constexpr size_t maxTokens(size_t textBytes) { return textBytes + textBytes / 2 + 4; }

  TextError encode(std::string_view text, const EncodeOptions &options, std::span<std::byte> workspace,
                   std::span<int32_t> ids, size_t &count) const;

  /// As encode(), for one word that is neither cut nor searched for special tokens: the merges alone.
  TextError encodeWord(std::string_view word, std::span<std::byte> workspace, std::span<int32_t> ids,
                       size_t &count) const;

  /// Appends the text of `ids` to output[size…]. On error `size` tells how far it came.
  TextError decode(std::span<const int32_t> ids, const DecodeOptions &options, std::span<char> output,
                   size_t &size) const;

  int32_t vocabularySize() const { return int32_t(vocabulary); }
  bool isToken(int32_t id) const { return id >= 0 && uint32_t(id) < vocabulary; }

  /// The bytes that `id` stands for; of a control token its name. Empty if `id` is no token.
  std::string_view tokenBytes(int32_t id) const;
  bool isControl(int32_t id) const;
  bool isEndOfGeneration(int32_t id) const;

  /// The token whose spelling is `bytes`, control tokens included; -1 if there is none.
  int32_t find(std::string_view bytes) const;

  /// Whether decoding drops one space at the beginning of a text.
  bool dropsLeadingSpace() const {
    using schema::TokenizerKind;
    return (table->space_prefix() != schema::SpacePrefix::Never && table->kind() != TokenizerKind::ByteBPE) ||
           table->kind() == TokenizerKind::WordPiece;
  }
  uint32_t maxTokenBytes() const { return table->max_token_bytes(); }
  int32_t bos() const { return table->bos(); }
  int32_t eos() const { return table->eos(); }
  const schema::Tokenizer &schemaTable() const { return *table; }

private:
  class Encoder;
  struct IdPairs;
  struct TextPairs;

  uint32_t lookUp(const char *bytes, size_t size) const;
  uint32_t rankOfMerge(uint32_t left, uint32_t right) const;
  uint8_t typeOf(uint32_t id) const;
  bool matchedWith(uint32_t id, SpecialTokens specials) const;

  const schema::Tokenizer *table = nullptr;
  const uint32_t *offsets = nullptr;
  const char *bytes = nullptr;
  const uint8_t *flags = nullptr;
  const uint32_t *slots = nullptr;
  const schema::Merge *merges = nullptr;
  const uint32_t *mergeSlots = nullptr;
  const uint32_t *ranks = nullptr;
  const double *scores = nullptr;
  uint32_t vocabulary = 0;
  uint32_t slotMask = 0;
  uint32_t mergeMask = 0;
};

} // namespace nibble::rt
