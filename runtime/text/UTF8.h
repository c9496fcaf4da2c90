//===- UTF8.h - decoding UTF-8 that may be invalid ---------------*- C++ -*-===//
//
// Text at run time is bytes. A byte that does not begin a well-formed sequence
// (Unicode 15, table 3-7: no overlong forms, no surrogates, at most U+10FFFF) is a
// character of its own, so nothing is ever lost.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>

namespace nibble::rt {

/// A character of the text: its code point, or Invalid with length 1.
struct Character {
  static constexpr uint32_t Invalid = 0xFFFFFFFF;
  uint32_t code;
  uint32_t length; // bytes
};

/// Bytes of a well-formed sequence that begins with `lead`; 0 if none does.
inline unsigned sequenceLength(uint8_t lead) {
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2)
    return 0;
  if (lead < 0xE0)
    return 2;
  if (lead < 0xF0)
    return 3;
  return lead < 0xF5 ? 4 : 0;
}

/// Whether `second` may follow `lead` (a lead of two bytes or more).
inline bool secondByteFits(uint8_t lead, uint8_t second) {
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

/// The character at text[0]; size > 0.
inline Character decodeCharacter(const char *text, size_t size) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(text);
  uint8_t lead = bytes[0];
  if (lead < 0x80)
    return {lead, 1};
  unsigned length = sequenceLength(lead);
  if (length == 0 || length > size || !secondByteFits(lead, bytes[1]))
    return {Character::Invalid, 1};
  uint32_t code = lead & (0x7Fu >> length);
  for (unsigned i = 1; i < length; ++i) {
    if ((bytes[i] & 0xC0) != 0x80)
      return {Character::Invalid, 1};
    code = code << 6 | (bytes[i] & 0x3F);
  }
  return {code, length};
}

/// Writes `code` (at most U+10FFFF) to bytes[0 … 3]; returns its length.
inline uint32_t encodeCharacter(uint32_t code, char *bytes) {
  if (code < 0x80) {
    bytes[0] = char(code);
    return 1;
  }
  uint32_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (uint32_t i = length - 1; i > 0; --i, code >>= 6)
    bytes[i] = char(0x80 | (code & 0x3F));
  bytes[0] = char(0xF00u >> length | code); // C0, E0 or F0
  return length;
}

/// Unicode's White_Space, without tables.
inline bool isWhiteSpace(uint32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

} // namespace nibble::rt
