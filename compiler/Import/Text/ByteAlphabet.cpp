//===- ByteAlphabet.cpp - GPT-2's printable spelling of bytes -------------===//
//
// See ByteAlphabet.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/ByteAlphabet.h"

#include "runtime/text/UTF8.h"

#include <array>

using namespace nibble;

static bool standsForItself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// Code point of each byte.
static const std::array<uint16_t, 256> &alphabet() {
  static const std::array<uint16_t, 256> table = [] {
    std::array<uint16_t, 256> codes{};
    uint16_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte)
      codes[byte] = standsForItself(byte) ? static_cast<uint16_t>(byte) : next++;
    return codes;
  }();
  return table;
}

std::optional<std::string> nibble::decodeByteLevel(llvm::StringRef spelling) {
  static const std::array<int16_t, 0x200> byteOf = [] {
    std::array<int16_t, 0x200> bytes;
    bytes.fill(-1);
    for (unsigned byte = 0; byte < 256; ++byte)
      bytes[alphabet()[byte]] = static_cast<int16_t>(byte);
    return bytes;
  }();
  std::string text;
  while (!spelling.empty()) {
    rt::Character c = rt::decodeCharacter(spelling.data(), spelling.size());
    if (c.code >= byteOf.size() || byteOf[c.code] < 0)
      return std::nullopt;
    text += static_cast<char>(byteOf[c.code]);
    spelling = spelling.drop_front(c.length);
  }
  return text;
}

std::string nibble::encodeByteLevel(llvm::StringRef bytes) {
  std::string spelling;
  for (char byte : bytes) {
    uint16_t code = alphabet()[static_cast<uint8_t>(byte)];
    if (code < 0x80) {
      spelling += static_cast<char>(code);
    } else {
      spelling += static_cast<char>(0xC0 | code >> 6);
      spelling += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return spelling;
}
