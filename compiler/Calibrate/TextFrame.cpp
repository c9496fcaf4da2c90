//===- TextFrame.cpp - the tokens that a model has around a text ----------===//
#include "compiler/Calibrate/TextFrame.h"

#include <string>

namespace nibble {

llvm::Expected<std::vector<int32_t>> encodeText(const rt::Tokenizer &tokenizer, std::string_view text,
                                                bool addSpecial) {
  std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(text.size()));
  std::vector<int32_t> ids(rt::Tokenizer::maxTokens(text.size()));
  size_t count = 0;
  rt::EncodeOptions options;
  options.addSpecial = addSpecial;
  if (rt::TextError error = tokenizer.encode(text, options, workspace, ids, count); error != rt::TextError::None)
    return llvm::createStringError("cannot be encoded: " + std::string(rt::describe(error)));
  ids.resize(count);
  return ids;
}

llvm::Expected<TextFrame> TextFrame::of(const rt::Tokenizer &tokenizer) {
  auto ids = encodeText(tokenizer, "", /*addSpecial=*/true);
  if (!ids)
    return llvm::createStringError("an empty text " + llvm::toString(ids.takeError()));
  TextFrame frame;
  auto middle = ids->begin() + (!ids->empty() && ids->front() == tokenizer.bos() ? 1 : 0);
  frame.before.assign(ids->begin(), middle);
  frame.behind.assign(middle, ids->end());
  return frame;
}

std::vector<int32_t> TextFrame::around(std::vector<int32_t> ids) const {
  ids.insert(ids.begin(), before.begin(), before.end());
  ids.insert(ids.end(), behind.begin(), behind.end());
  return ids;
}

} // namespace nibble
