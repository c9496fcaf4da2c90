//===- Spellings.h - Tokens that are recognised in text ---------*- C++ -*-===//
//
// Added tokens are found by their spelling before anything merges: some in text
// as it is given, others in what normalization made of it. Each kind is one
// sorted list (schema::Spellings).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_SPELLINGS_H
#define NIBBLE_COMPILER_IMPORT_TEXT_SPELLINGS_H

#include "runtime/schema/tokenizer_generated.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nibble {

/// (spelling, id); of equal spellings the lowest id counts, an empty one is never found.
using SpellingList = std::vector<std::pair<std::string, uint32_t>>;

/// An offset of zero for an empty list.
flatbuffers::Offset<schema::Spellings> writeSpellings(SpellingList list, flatbuffers::FlatBufferBuilder &builder);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_SPELLINGS_H
