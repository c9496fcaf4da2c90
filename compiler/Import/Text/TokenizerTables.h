//===- TokenizerTables.h - The tables of a tokenizer ------------*- C++ -*-===//
//
// What TokenizerBuilder gathers, and how it becomes a FlatBuffer.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERTABLES_H
#define NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERTABLES_H

#include "compiler/Import/Text/JoinedPairs.h"
#include "compiler/Import/Text/Spellings.h"
#include "compiler/Import/Text/TokenizerSource.h"
#include "compiler/Import/Text/WordPatterns.h"
#include "runtime/schema/tokenizer_generated.h"

#include <string>
#include <vector>

namespace nibble {

/// What schema::Tokenizer holds, while it grows.
struct TokenizerTables {
  schema::TokenizerKind kind = schema::TokenizerKind::ByteBPE;
  schema::PreTokenizer pre = schema::PreTokenizer::Whole;
  bool ignoreMerges = false;
  bool addBos = false, addEos = false;
  schema::SpacePrefix spacePrefix = schema::SpacePrefix::Never;
  std::vector<std::string> bytes; // what each token stands for
  std::vector<uint8_t> flags;
  std::vector<uint32_t> offsets;
  std::vector<uint8_t> text;
  std::vector<int32_t> byteTokens = std::vector<int32_t>(256, -1);
  std::vector<uint32_t> tokenSlots;
  std::vector<schema::Merge> merges;
  std::vector<uint32_t> mergeSlots;
  std::vector<uint32_t> ranks;
  std::vector<double> scores;
  double unknownScore = 0;
  SpellingList specials, normalizedSpecials;
  JoinedPairs joins;
  std::vector<int32_t> ends;
  uint32_t maxTokenBytes = 0;
  WordPatternTables words;
};

/// `normalizer` has been written to the same buffer. Ids and numbers that need no work are those of `source`.
flatbuffers::Offset<schema::Tokenizer> writeTables(const TokenizerTables &tables, const TokenizerSource &source,
                                                   flatbuffers::Offset<schema::Normalizer> normalizer,
                                                   flatbuffers::FlatBufferBuilder &builder);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERTABLES_H
