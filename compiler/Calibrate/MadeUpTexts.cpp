//===- MadeUpTexts.cpp - texts to calibrate with, out of a vocabulary alone ===//
#include "compiler/Calibrate/MadeUpTexts.h"

#include "compiler/Calibrate/TextFrame.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <random>

namespace nibble {

/// Tokens between those around a text. A program may see one word or a page; the errors of short texts are means of few
/// rows, so short ones are as many tokens here as long ones.
constexpr int64_t kLengths[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 62};

/// Tokens of plain text. Vocabularies keep places free under names in brackets.
static std::vector<int32_t> wordsOf(const rt::Tokenizer &tokenizer) {
  std::vector<int32_t> words;
  for (int32_t id = 0; id < tokenizer.vocabularySize(); ++id) {
    std::string_view bytes = tokenizer.tokenBytes(id);
    bool isName = bytes.size() > 2 && ((bytes.front() == '[' && bytes.back() == ']') ||
                                       (bytes.front() == '<' && bytes.back() == '>'));
    if (!tokenizer.isControl(id) && !bytes.empty() && !isName)
      words.push_back(id);
  }
  return words;
}

/// A number below `count`. Vocabularies are sorted by how frequent their tokens are, more or less: half of the draws
/// are as texts have them (Zipf: each doubling of the rank as often as the next), half take all tokens alike, because
/// rare ones have their own directions.
static size_t drawRank(std::mt19937 &random, size_t count) {
  uint32_t draw = random();
  if (draw % 2 == 0)
    return random() % count;
  // A doubling, then a rank in it; integers alone, so that every machine draws the same.
  unsigned doublings = llvm::Log2_64_Ceil(count + 1);
  uint64_t first = uint64_t(1) << (draw / 2 % doublings);
  return std::min<uint64_t>(first + random() % first, count) - 1;
}

llvm::Expected<std::vector<std::vector<int32_t>>> makeUpTexts(const rt::Tokenizer &tokenizer, int64_t tokens,
                                                              int64_t longest) {
  auto frame = TextFrame::of(tokenizer);
  if (!frame)
    return frame.takeError();
  std::vector<int32_t> words = wordsOf(tokenizer);
  if (words.empty())
    return llvm::createStringError("the vocabulary has no token to make up texts of");
  int64_t room = longest - frame->size();
  if (room <= 0)
    return llvm::createStringError("a context of " + std::to_string(longest) + " has no room for made-up texts");
  std::mt19937 random(1); // its numbers are the standard's
  std::vector<std::vector<int32_t>> texts;
  int64_t share = std::max<int64_t>(1, tokens / int64_t(std::size(kLengths)));
  for (int64_t length : kLengths)
    for (int64_t made = 0; made < share;) {
      std::vector<int32_t> text;
      for (int64_t i = 0; i < std::min(length, room); ++i)
        text.push_back(words[drawRank(random, words.size())]);
      texts.push_back(frame->around(std::move(text)));
      made += int64_t(texts.back().size());
    }
  return texts;
}

} // namespace nibble
