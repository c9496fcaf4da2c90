//===- UnicodeClass.h - the character classes of pre-tokenizers --*- C++ -*-===//
//
// The compiler writes one byte a code point into a two-stage table (blocks of 128
// that are equal are held once: 28 KiB for all of Unicode); the runtime reads it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/UTF8.h"

#include <cstdint>

namespace nibble::rt {

/// Bits of a class. A code point without any is "something else": symbols, controls, unassigned.
enum UnicodeClass : uint8_t {
  ClassLetter = 1,      // general category L*
  ClassNumber = 2,      // N*
  ClassSpace = 4,       // White_Space: the \s of the regular expressions
  ClassPunctuation = 8, // P*
  ClassUpper = 16,      // Lu, Lt: besides ClassLetter
  ClassLower = 32,      // Ll: besides ClassLetter
  ClassMark = 64,       // M*
};

inline constexpr uint32_t ClassBlockSize = 128;
inline constexpr uint32_t ClassBlockCount = 0x110000 / ClassBlockSize;

class UnicodeClasses {
public:
  UnicodeClasses() = default;
  UnicodeClasses(const uint16_t *blocks, const uint8_t *classes) : blocks(blocks), classes(classes) {}

  uint8_t of(uint32_t code) const {
    if (code == Character::Invalid)
      return 0;
    return classes[blocks[code / ClassBlockSize] * ClassBlockSize + code % ClassBlockSize];
  }

private:
  const uint16_t *blocks = nullptr; // ClassBlockCount
  const uint8_t *classes = nullptr;
};

} // namespace nibble::rt
