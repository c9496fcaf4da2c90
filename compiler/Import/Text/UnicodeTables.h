//===- UnicodeTables.h - Character classes for the runtime ------*- C++ -*-===//
//
// Builds the two-stage table of runtime/text/UnicodeClass.h from utf8proc.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_UNICODETABLES_H
#define NIBBLE_COMPILER_IMPORT_TEXT_UNICODETABLES_H

#include <cstdint>
#include <vector>

namespace nibble {

struct UnicodeTables {
  std::vector<uint16_t> blocks; ///< ClassBlockCount, block of 128 code points → index
  std::vector<uint8_t> classes; ///< distinct blocks × 128
};

UnicodeTables buildUnicodeTables();

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_UNICODETABLES_H
