//===- FakeTokenizer.h - a vocabulary of bytes and letters ----------------===//
//
// Token ids: 0 <unk>, 1 <s>, 2 </s>, 3 … 258 the bytes, 259 the space, 260 … 285 the
// letters a … z. With FakeModel, which counts ids up, text goes on in the alphabet.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Import/Text/TokenizerSource.h"

#include "llvm/ADT/StringExtras.h"

namespace nibble::test {

inline TokenizerSource fakeTokenizer() {
  TokenizerSource source;
  source.model = "llama";
  auto add = [&](std::string text, TokenType type) {
    source.tokens.push_back(std::move(text));
    source.types.push_back(static_cast<int32_t>(type));
    source.scores.push_back(0);
  };
  add("<unk>", TokenType::Unknown);
  add("<s>", TokenType::Control);
  add("</s>", TokenType::Control);
  for (unsigned byte = 0; byte < 256; ++byte)
    add("<0x" + llvm::utohexstr(byte, /*LowerCase=*/false, /*Width=*/2) + ">", TokenType::Byte);
  add("\xE2\x96\x81", TokenType::Normal);
  for (char letter = 'a'; letter <= 'z'; ++letter)
    add(std::string(1, letter), TokenType::Normal);
  source.unk = 0;
  source.bos = 1;
  source.eos = 2;
  source.addBos = true;
  source.addSpacePrefix = false;
  return source;
}

} // namespace nibble::test
