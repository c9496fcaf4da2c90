//===- UnicodeClass.h - the symbol of a character ----------------*- C++ -*-===//
//
// Pre-tokenizers see a character as one of a few symbols: all that their expressions
// don't tell apart are one. The compiler writes the symbol of each code point into a
// two-stage table (blocks of 128 that are equal are held once: some 30 KiB for all of
// Unicode); the runtime reads it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/UTF8.h"

#include <cstdint>

namespace nibble::rt {

inline constexpr uint32_t ClassBlockSize = 128;
inline constexpr uint32_t ClassBlockCount = 0x110000 / ClassBlockSize;

class UnicodeClasses {
public:
  UnicodeClasses() = default;
  /// `invalid`: the symbol of a byte that begins no character.
  UnicodeClasses(const uint16_t *blocks, const uint8_t *classes, uint8_t invalid)
      : blocks(blocks), classes(classes), invalid(invalid) {}

  uint8_t of(uint32_t code) const {
    if (code == Character::Invalid)
      return invalid;
    return classes[blocks[code / ClassBlockSize] * ClassBlockSize + code % ClassBlockSize];
  }

private:
  const uint16_t *blocks = nullptr; // ClassBlockCount
  const uint8_t *classes = nullptr;
  uint8_t invalid = 0;
};

} // namespace nibble::rt
