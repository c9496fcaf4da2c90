//===- TokenizerPairs.cpp - What is merged, and where text is cut ---------===//
//
// See TokenizerBuilderImpl.h. Merges become pairs of ids, scores ranks, and the pieces of Unigram and WordPiece a trie.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/TokenizerBuilderImpl.h"
#include "runtime/text/TextHash.h"
#include "runtime/text/WordScanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using schema::PreTokenizer;
using schema::TokenizerKind;

Error TokenizerBuilder::readMerges() {
  llvm::StringMap<uint32_t> idOf;
  for (size_t id = 0; id < source.tokens.size(); ++id)
    idOf.try_emplace(source.tokens[id], static_cast<uint32_t>(id));
  for (auto [rank, merge] : llvm::enumerate(source.merges)) {
    size_t space = StringRef(merge).find(' ', 1);
    if (space == StringRef::npos)
      return malformed("tokenizer.ggml.merges entry " + Twine(rank) + " is " + quote(merge) +
                       "; expected two tokens with a space between");
    StringRef left = StringRef(merge).take_front(space), right = StringRef(merge).drop_front(space + 1);
    std::string whole = left.str() + right.str();
    uint32_t ids[3];
    StringRef names[3] = {left, right, whole};
    for (int i = 0; i < 3; ++i) {
      auto found = idOf.find(names[i]);
      if (found == idOf.end())
        return malformed("tokenizer.ggml.merges entry " + Twine(rank) + " needs the token " + quote(names[i]) +
                         ", which the vocabulary lacks");
      ids[i] = found->second;
    }
    t.merges.emplace_back(ids[0], ids[1], ids[2]);
  }
  hashMerges();
  return Error::success();
}

/// By (left, right); of equal pairs the first counts.
void TokenizerBuilder::hashMerges() {
  t.mergeSlots.assign(llvm::NextPowerOf2(t.merges.size() + t.merges.size() / 2 + 1), rt::EmptySlot);
  uint32_t mask = static_cast<uint32_t>(t.mergeSlots.size()) - 1;
  for (auto [rank, merge] : llvm::enumerate(t.merges)) {
    uint32_t slot = rt::hashPair(merge.left(), merge.right()) & mask;
    auto differs = [&, &merge = merge](uint32_t other) {
      return t.merges[other].left() != merge.left() || t.merges[other].right() != merge.right();
    };
    while (t.mergeSlots[slot] != rt::EmptySlot && differs(t.mergeSlots[slot]))
      slot = (slot + 1) & mask;
    if (t.mergeSlots[slot] == rt::EmptySlot)
      t.mergeSlots[slot] = static_cast<uint32_t>(rank);
  }
}

Error TokenizerBuilder::checkScores() const {
  if (source.scores.size() != source.tokens.size())
    return malformed("tokenizer.ggml.scores has " + Twine(source.scores.size()) + " entries for " +
                     Twine(source.tokens.size()) + " tokens");
  if (auto bad = llvm::find_if(source.scores, [](double score) { return std::isnan(score); });
      bad != source.scores.end())
    return malformed("tokenizer.ggml.scores of token " + Twine(bad - source.scores.begin()) + " is not a number");
  return Error::success();
}

/// SentencePiece: the highest score merges first.
Error TokenizerBuilder::rankScores() {
  if (Error error = checkScores())
    return error;
  std::vector<double> sorted = source.scores;
  llvm::sort(sorted, std::greater<double>());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  for (double score : source.scores)
    t.ranks.push_back(static_cast<uint32_t>(
        std::lower_bound(sorted.begin(), sorted.end(), score, std::greater<double>()) - sorted.begin()));
  return Error::success();
}

/// Unigram and WordPiece: an edge of the trie for each byte of each piece.
Error TokenizerBuilder::plantTrie() {
  bool scored = t.kind == TokenizerKind::Unigram;
  if (Error error = scored ? checkScores() : Error::success())
    return error;
  double lowest = 0;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> edges;
  for (size_t id = 0; id < t.bytes.size(); ++id) {
    t.scores.push_back(scored ? source.scores[id] : 0);
    if (typeOf(id) != rt::TypeNormal || t.bytes[id].empty())
      continue;
    lowest = std::min(lowest, t.scores.back());
    uint32_t node = 0;
    for (char byte : t.bytes[id]) {
      auto [edge, inserted] = edges.try_emplace({node, static_cast<uint8_t>(byte)}, t.merges.size());
      if (inserted)
        t.merges.emplace_back(node, static_cast<uint8_t>(byte), rt::NoToken);
      node = edge->second + 1;
    }
    const schema::Merge &last = t.merges[node - 1];
    if (last.merged() == rt::NoToken)
      t.merges[node - 1] = schema::Merge(last.left(), last.right(), static_cast<uint32_t>(id));
  }
  // SentencePiece's penalty for what it does not know.
  t.unknownScore = lowest - 10;
  hashMerges();
  return Error::success();
}

/// Cuts that no merge reaches across, where the merges alone decide.
void TokenizerBuilder::chooseWords() {
  if (source.cutsAtEachSpace) {
    t.pre = PreTokenizer::EachSpace;
  } else if (t.kind == TokenizerKind::SentencePiece) {
    t.pre = PreTokenizer::Pairs;
    for (size_t id = 0; id < t.bytes.size(); ++id)
      if (typeOf(id) == rt::TypeNormal)
        t.joins.addToken(t.bytes[id]);
  } else if (t.kind == TokenizerKind::CharacterBPE && !t.ignoreMerges) {
    t.pre = PreTokenizer::Pairs;
    for (const schema::Merge &merge : t.merges)
      if (!t.bytes[merge.left()].empty() && !t.bytes[merge.right()].empty())
        t.joins.addMerge(t.bytes[merge.left()], t.bytes[merge.right()]);
  } else {
    // Unigram's sums would round otherwise in each word, which decides between cuts of equal sums.
    t.pre = PreTokenizer::Whole;
  }
}

/// What is merged, and where text is cut.
Error TokenizerBuilder::buildPairs() {
  bool merges = t.kind == TokenizerKind::ByteBPE || t.kind == TokenizerKind::CharacterBPE;
  if (Error error = merges ? readMerges() : t.kind == TokenizerKind::SentencePiece ? rankScores() : plantTrie())
    return error;
  if (patterns.empty()) {
    chooseWords();
    return Error::success();
  }
  t.pre = PreTokenizer::Patterns;
  if (patterns.size() > rt::WordScanner::MaxPatterns)
    return unsupported("the pre-tokenizer has " + Twine(patterns.size()) + " steps; supported are " +
                       Twine(rt::WordScanner::MaxPatterns));
  auto built = buildWordPatterns(patterns);
  if (!built)
    return built.takeError();
  t.words = std::move(*built);
  return Error::success();
}
