//===- Vocabulary.h - tiny vocabularies for the tests --------*- C++ -*-===//
//
// A byte-level and a SentencePiece vocabulary, trained here on a few sentences by
// counting pairs. They are small enough to read and have what real ones have:
// control, user-defined, unknown and byte tokens.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Import/Text/TokenizerSource.h"

namespace nibble::test {

/// 256 bytes, 120 merges, then <|end|> <|start|> (control) and <tool> (user-defined). pre = "gpt-2".
TokenizerSource byteLevelSource();

/// <unk> <s> </s>, 256 byte tokens, pieces; add_space_prefix and add_bos.
TokenizerSource sentencePieceSource();

} // namespace nibble::test
