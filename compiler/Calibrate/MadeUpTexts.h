//===- MadeUpTexts.h - texts to calibrate with, out of a vocabulary alone --===//
//
// What: token ids drawn from a vocabulary, put between the tokens that the model has around a text.
// Why: what a linear reads has directions that are much larger than others in any text, since they come from the
// weights (norms, biases, the tokens around a text), so that nonsense shows them, too, and no data is needed. Contract:
// the same ids on every machine.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/Tokenizer.h"

#include "llvm/Support/Error.h"

#include <vector>

namespace nibble {

/// Tokens of the longest text.
inline constexpr int64_t kLongestMadeUp = 64;

/// Texts of at most `longest` tokens, short ones as well as long ones, at least `tokens` in all.
llvm::Expected<std::vector<std::vector<int32_t>>> makeUpTexts(const rt::Tokenizer &tokenizer, int64_t tokens,
                                                              int64_t longest);

} // namespace nibble
