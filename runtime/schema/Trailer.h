//===- Trailer.h - the last 64 bytes of a Nibble program ---------*- C++ -*-===//
//
// What:  the record at the end of an executable that leads to its weights and to
//        its description.
// Why:   an ELF file may be followed by anything; reading backwards from the end
//        finds the payload without parsing the ELF headers.
// Contract: 64 bytes, little-endian, no padding. `checksum` covers the 56 bytes
//        before it. Both the compiler and the runtime include this header.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble::schema {

/// "NIBBLE" with a carriage return and newline: text-mode transfers destroy it.
inline constexpr uint8_t TrailerMagic[8] = {'N', 'I', 'B', 'B', 'L', 'E', '\r', '\n'};

/// Raised when the trailer, or the meaning of the description, changes.
inline constexpr uint32_t TrailerVersion = 1;

/// Weights start at a multiple of this: the largest page size of AArch64 Linux.
inline constexpr uint64_t WeightAlignment = 65536;

struct Trailer {
  uint8_t magic[8];
  uint32_t version;
  uint32_t trailerSize;         // 64
  uint64_t weightsOffset;       // in the file, a multiple of WeightAlignment
  uint64_t weightsSize;
  uint64_t descriptionOffset;   // a multiple of 64
  uint64_t descriptionSize;     // ends where the trailer begins
  uint64_t descriptionChecksum; // checksum64 of the description
  uint64_t checksum;            // checksum64 of the 56 bytes above
};
static_assert(sizeof(Trailer) == 64);

} // namespace nibble::schema
