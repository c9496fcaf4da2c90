//===- ByteAlphabet.h - GPT-2's printable spelling of bytes -----*- C++ -*-===//
//
// Byte-level BPE vocabularies write every byte as one printable character: the
// bytes 21-7E, A1-AC and AE-FF as the code point of the same number, the others,
// in order, as U+0100, U+0101, … (OpenAI's gpt-2 encoder.py, bytes_to_unicode).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_BYTEALPHABET_H
#define NIBBLE_COMPILER_IMPORT_TEXT_BYTEALPHABET_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace nibble {

/// The bytes that `spelling` (UTF-8) stands for; nothing if a character is not of the alphabet.
std::optional<std::string> decodeByteLevel(llvm::StringRef spelling);

/// The spelling of `bytes`.
std::string encodeByteLevel(llvm::StringRef bytes);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_BYTEALPHABET_H
