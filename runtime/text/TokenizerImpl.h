//===- TokenizerImpl.h - numbers that the tokenizer's parts share -*- C++ -*-===//
//
// Token types and flags as they stand in `token_flags` (runtime/schema/tokenizer.fbs).
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble::rt {

inline constexpr uint32_t NoToken = 0xFFFFFFFF;

inline constexpr uint8_t TypeMask = 7;
inline constexpr uint8_t TypeNormal = 1;
inline constexpr uint8_t TypeUnknown = 2;
inline constexpr uint8_t TypeControl = 3;
inline constexpr uint8_t TypeUserDefined = 4;
inline constexpr uint8_t TypeUnused = 5;
inline constexpr uint8_t TypeByte = 6;

/// A word that equals this token encodes to it alone.
inline constexpr uint8_t FlagDirect = 8;

/// White space before or behind this special token is part of it.
inline constexpr uint8_t FlagStripLeft = 16;
inline constexpr uint8_t FlagStripRight = 32;

} // namespace nibble::rt
