//===- TokenizerBuilder.h - From vocabulary to tables -----------*- C++ -*-===//
//
// Turns what the model file says about its tokenizer into the flat tables that
// the runtime reads in place (runtime/schema/tokenizer.fbs). All judgement is
// here: every id and type is checked, merges become pairs of ids, scores become
// ranks, Unicode becomes a table of classes, and the words that need no merging
// are found by encoding every token once.
//
// Contract: a vocabulary that contradicts itself is a Malformed ImportError, a
// model or pre-tokenizer that Nibble does not have an Unsupported one that lists
// those it has. Equal sources give equal bytes.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERBUILDER_H
#define NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERBUILDER_H

#include "compiler/Import/Text/TokenizerSource.h"
#include "runtime/schema/tokenizer_generated.h"

#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace nibble {

/// Adds the table of `source` to `builder`, for a table that contains it.
llvm::Expected<flatbuffers::Offset<schema::Tokenizer>> buildTokenizer(const TokenizerSource &source,
                                                                      flatbuffers::FlatBufferBuilder &builder);

/// The table as a FlatBuffer of its own, with schema::Tokenizer as its root.
llvm::Expected<std::vector<uint8_t>> buildTokenizer(const TokenizerSource &source);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERBUILDER_H
