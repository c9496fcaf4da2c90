//===- StreamDecoder.h - token by token to whole characters ------*- C++ -*-===//
//
// Tokens may end in the middle of a character. The decoder passes on whole
// characters and holds back the bytes of an unfinished one (three at most) until
// the tokens that follow finish it or show that it is none; then the bytes pass as
// they are. Nothing is lost: the output, flush() included, is that of
// Tokenizer::decode.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/Tokenizer.h"

namespace nibble::rt {

class StreamDecoder {
public:
  StreamDecoder(const Tokenizer &tokenizer, const DecodeOptions &options)
      : tokenizer(tokenizer), options(options),
        dropSpace(options.atBeginning && tokenizer.dropsLeadingSpace()) {}

  /// Room that push() and flush() need at most.
  size_t maxOutput() const { return tokenizer.maxTokenBytes() + sizeof(held); }

  /// Adds a token; the characters that are complete now go to output[0, size).
  TextError push(int32_t id, std::span<char> output, size_t &size);

  /// The bytes of a character that never got complete.
  TextError flush(std::span<char> output, size_t &size);

private:
  const Tokenizer &tokenizer;
  DecodeOptions options;
  char held[4];
  uint8_t heldCount = 0;
  bool dropSpace;
};

} // namespace nibble::rt
