//===- TextFrame.h - the tokens that a model has around a text ------------===//
//
// What: the ids that the tokenizer puts before and behind a text, such as BERT's [CLS] and [SEP].
// Why: texts to calibrate with are cut to a length, or made of ids, and must look to the model like any other text.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/Tokenizer.h"

#include "llvm/Support/Error.h"

#include <vector>

namespace nibble {

/// The ids of a text without what stands around it, unless asked for.
llvm::Expected<std::vector<int32_t>> encodeText(const rt::Tokenizer &tokenizer, std::string_view text,
                                                bool addSpecial = false);

class TextFrame {
public:
  static llvm::Expected<TextFrame> of(const rt::Tokenizer &tokenizer);

  int64_t size() const { return int64_t(before.size() + behind.size()); }
  /// The ids with the frame around them.
  std::vector<int32_t> around(std::vector<int32_t> ids) const;

private:
  std::vector<int32_t> before, behind;
};

} // namespace nibble
