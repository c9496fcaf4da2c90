//===- GivenTexts.cpp - a user's own texts to calibrate with --------------===//
#include "compiler/Calibrate/GivenTexts.h"

#include "compiler/Calibrate/TextFrame.h"

#include <algorithm>

namespace nibble {

llvm::Expected<std::vector<std::vector<int32_t>>> encodeLines(const rt::Tokenizer &tokenizer, llvm::StringRef lines,
                                                              int64_t longest) {
  auto frame = TextFrame::of(tokenizer);
  if (!frame)
    return frame.takeError();
  if (frame->size() >= longest)
    return llvm::createStringError("a context of " + std::to_string(longest) + " has no room for texts");
  std::vector<std::vector<int32_t>> texts;
  for (int64_t number = 1; !lines.empty(); ++number) {
    auto [line, rest] = lines.split('\n');
    lines = rest;
    line = line.trim();
    if (line.empty())
      continue;
    auto ids = encodeText(tokenizer, line);
    if (!ids)
      return llvm::createStringError("line " + std::to_string(number) + " of the texts to calibrate with " +
                                     llvm::toString(ids.takeError()));
    ids->resize(std::min<size_t>(ids->size(), size_t(longest - frame->size())));
    if (!ids->empty())
      texts.push_back(frame->around(std::move(*ids)));
  }
  if (texts.empty())
    return llvm::createStringError("there is no text to calibrate with");
  return texts;
}

} // namespace nibble
