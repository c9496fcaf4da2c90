//===- Encoder.h - one call of Tokenizer::encode -----------------*- C++ -*-===//
//
// Encode.cpp cuts text at the tokens that are recognised by their spelling and the
// pieces between into words; EncodeWord.cpp turns a word into tokens.
//
// The workspace holds the piece at its end, if it had to be written anew (it was
// normalized, or begins with a space that SentencePiece puts there), and before
// it the symbols of the word that is merging.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/Merger.h"
#include "runtime/text/Tokenizer.h"
#include "runtime/text/TokenizerImpl.h"

namespace nibble::rt {

/// One call of encode().
class Tokenizer::Encoder {
public:
  Encoder(const Tokenizer &tokenizer, std::string_view text, const EncodeOptions &options,
          std::span<std::byte> workspace, std::span<int32_t> ids)
      : t(tokenizer), text(text), options(options), workspace(workspace), ids(ids), symbols(workspace),
        kind(tokenizer.table->kind()) {}

  TextError run(size_t &idCount) {
    if (options.addSpecial && t.table->add_bos() && t.table->bos() >= 0)
      emit(t.table->bos());
    encodePieces();
    if (options.addSpecial && t.table->add_eos() && t.table->eos() >= 0)
      emit(t.table->eos());
    return finish(idCount);
  }

  TextError runWord(size_t &idCount) {
    if (!text.empty())
      encodeWord(text);
    return finish(idCount);
  }

private:
  TextError finish(size_t &idCount) const {
    idCount = count;
    if (options.steps)
      *options.steps += steps;
    if (error != TextError::None)
      return error;
    if (count > ids.size())
      return TextError::OutputTooSmall;
    return lostBytes ? TextError::UnknownBytes : TextError::None;
  }

  void emit(int32_t id) {
    if (count < ids.size())
      ids[count] = id;
    ++count;
  }

  /// A token that is recognised by its spelling.
  struct Special {
    uint32_t id = NoToken;
    size_t size = 0; // bytes of the text
  };

  /// Text that is searched for such tokens.
  struct Source {
    const schema::Spellings *list; // null: for none
    std::string_view text;
    size_t begin;    // where it lies in the text that is encoded
    size_t prefix;   // bytes that were put before it
    size_t *segment; // the first segment that may still matter
  };

  void encodePieces();
  template <typename Between> void cutAtSpecials(const Source &source, Between between);
  Special matchSpecial(const Source &source, size_t offset);
  bool inTemplate(size_t begin, size_t end, size_t &segment) const;
  void encodePiece(std::string_view piece, bool atBeginning, size_t &segment);
  void encodeWords(std::string_view piece, bool atBeginning);
  std::string_view putSpaceBefore(std::string_view piece);
  std::span<std::byte> spaceBeside(std::string_view piece) const;
  void encodeWord(std::string_view word);
  void encodeUnigram(std::string_view word);
  void encodeWordPiece(std::string_view word);
  void splitBytes(std::string_view word, Symbols &s);
  void splitCharacters(std::string_view word, Symbols &s) const;
  template <typename Pairs> void merge(Symbols &s, const Pairs &pairs);
  void emitBytes(std::string_view bytes);

  const Tokenizer &t;
  std::string_view text;
  const EncodeOptions &options;
  std::span<std::byte> workspace;
  std::span<int32_t> ids;
  std::span<std::byte> symbols; // what the piece leaves of the workspace to its words
  size_t count = 0;
  size_t steps = 0;
  schema::TokenizerKind kind;
  bool lostBytes = false;
  TextError error = TextError::None;
};

} // namespace nibble::rt
