//===- Vocabulary.cpp - tiny vocabularies for the tests ----------------===//
//
// See Vocabulary.h.
//
//===----------------------------------------------------------------------===//
#include "Vocabulary.h"

#include "compiler/Import/Text/ByteAlphabet.h"

#include <algorithm>
#include <cstdio>
#include <map>

using namespace nibble;

static const std::vector<std::string> corpus = {
    "the", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", " and", " then", " the", " other",
    " dog", " jumps", " over", " there", "  ", "    ", "aaaa", "aaaaaaaa", "\xC3\xA9t\xC3\xA9",
    " \xE4\xB8\xAD\xE6\x96\x87",
    "0000", "\n\n", "ababab", " this", " that", " these", " those", " 'tis", "the", "the", "he", "he"};

using Pair = std::pair<std::string, std::string>;

/// The most frequent pairs, one after the other; ties go to the smaller pair.
static std::vector<Pair> train(std::vector<std::vector<std::string>> words, size_t merges) {
  std::vector<Pair> result;
  while (result.size() < merges) {
    std::map<Pair, int> counts;
    for (const auto &word : words)
      for (size_t i = 0; i + 1 < word.size(); ++i)
        ++counts[{word[i], word[i + 1]}];
    if (counts.empty())
      break;
    Pair best = std::max_element(counts.begin(), counts.end(), [](const auto &a, const auto &b) {
                  return a.second < b.second;
                })->first;
    result.push_back(best);
    for (auto &word : words)
      for (size_t i = 0; i + 1 < word.size(); ++i)
        if (word[i] == best.first && word[i + 1] == best.second) {
          word[i] += word[i + 1];
          word.erase(word.begin() + static_cast<ptrdiff_t>(i) + 1);
        }
  }
  return result;
}

TokenizerSource nibble::test::byteLevelSource() {
  TokenizerSource source;
  source.model = "gpt2";
  source.pre = "gpt-2";
  for (int byte = 0; byte < 256; ++byte)
    source.tokens.push_back(encodeByteLevel(std::string(1, static_cast<char>(byte))));
  std::vector<std::vector<std::string>> words;
  for (const std::string &word : corpus) {
    words.emplace_back();
    for (char c : word)
      words.back().push_back(encodeByteLevel(std::string(1, c)));
  }
  for (const auto &[left, right] : train(words, 120)) {
    source.merges.push_back(left + " " + right);
    if (std::find(source.tokens.begin(), source.tokens.end(), left + right) == source.tokens.end())
      source.tokens.push_back(left + right);
  }
  source.types.assign(source.tokens.size(), int32_t(TokenType::Normal));
  for (const char *name : {"<|end|>", "<|start|>"}) {
    source.tokens.push_back(name);
    source.types.push_back(int32_t(TokenType::Control));
  }
  source.tokens.push_back("<tool>");
  source.types.push_back(int32_t(TokenType::UserDefined));
  source.eos = int32_t(source.tokens.size()) - 3;
  source.bos = int32_t(source.tokens.size()) - 2;
  return source;
}

TokenizerSource nibble::test::sentencePieceSource() {
  TokenizerSource source;
  source.model = "llama";
  source.pre = "default";
  source.bos = 1;
  source.eos = 2;
  source.unk = 0;
  auto add = [&](const std::string &piece, TokenType type, float score) {
    if (std::find(source.tokens.begin(), source.tokens.end(), piece) != source.tokens.end())
      return;
    source.tokens.push_back(piece);
    source.types.push_back(int32_t(type));
    source.scores.push_back(score);
  };
  add("<unk>", TokenType::Unknown, 0);
  add("<s>", TokenType::Control, 0);
  add("</s>", TokenType::Control, 0);
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof(name), "<0x%02X>", byte);
    add(name, TokenType::Byte, 0);
  }
  std::vector<std::vector<std::string>> words;
  for (const std::string &word : corpus) {
    words.emplace_back();
    for (char c : word) {
      if ((c & 0xC0) == 0x80)
        words.back().back() += c;
      else
        words.back().push_back(c == ' ' ? "\xE2\x96\x81" : std::string(1, c));
    }
  }
  float score = 0;
  for (const auto &[left, right] : train(words, 100))
    add(left + right, TokenType::Normal, score -= 1);
  for (const auto &word : words)
    for (const std::string &character : word)
      if (character != "\n")
        add(character, TokenType::Normal, score -= 1);
  return source;
}
