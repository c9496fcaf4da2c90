//===- GivenTexts.h - a user's own texts to calibrate with ----------------===//
//
// What: the lines of a file as token ids, with the tokens that the model has around a text.
// Why: texts like those that the program is for show which inputs are large there; MadeUpTexts.h is for whoever has
// none.
// Contract: empty lines are no texts; a long line is cut.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/Tokenizer.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace nibble {

/// Tokens of the longest text.
inline constexpr int64_t kLongestGiven = 512;

/// Texts of at most `longest` tokens; the error names the line.
llvm::Expected<std::vector<std::vector<int32_t>>> encodeLines(const rt::Tokenizer &tokenizer, llvm::StringRef lines,
                                                              int64_t longest);

} // namespace nibble
