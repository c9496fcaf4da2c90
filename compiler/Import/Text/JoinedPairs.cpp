//===- JoinedPairs.cpp - Where merges can't reach across ------------------===//
//
// See JoinedPairs.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/JoinedPairs.h"

using namespace nibble;

JoinedPairs::JoinedPairs() {
  // UTF-8's trailing bytes begin no character.
  for (unsigned a = 0; a < 256; ++a)
    for (unsigned b = 0x80; b < 0xC0; ++b)
      add(static_cast<char>(a), static_cast<char>(b));
}

void JoinedPairs::add(char a, char b) {
  unsigned pair = static_cast<uint8_t>(a) << 8 | static_cast<uint8_t>(b);
  bits[pair >> 3] |= 1u << (pair & 7);
}

void JoinedPairs::addToken(llvm::StringRef token) {
  for (size_t i = 1; i < token.size(); ++i)
    add(token[i - 1], token[i]);
}
