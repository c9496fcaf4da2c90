//===- PackedSource.h - Bytes of a packed weight's parts -------*- C++ -*-===//
//
// A part of a packed weight (codes, scales, zero points, the order of columns) as its source in the IR says where it
// lies. What does not agree with the sizes of the sources is an error that says so.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_PACKEDSOURCE_H
#define NIBBLE_COMPILER_IMPORT_PACKEDSOURCE_H

#include "dialects/LM/LM.h"
#include "dialects/LowBit/FloatKind.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"

#include <cstdint>
#include <vector>

namespace nibble {

template <typename... Args> llvm::Error packingError(const char *format, Args &&...args) {
  return llvm::createStringError(llvm::formatv(format, std::forward<Args>(args)...).str());
}

/// All bytes of a source.
llvm::Expected<std::vector<uint8_t>> readBytes(lm::SourceAttr source);

/// All floats of a source, `count` of them, as bits of their type.
llvm::Expected<std::vector<uint32_t>> readFloats(lm::SourceAttr source, FloatKind kind, uint64_t count);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_PACKEDSOURCE_H
