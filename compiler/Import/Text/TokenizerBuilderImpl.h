//===- TokenizerBuilderImpl.h - Steps from vocabulary to tables -*- C++ -*-===//
//
// The state behind TokenizerBuilder.h: what the model says is judged in TokenizerBuilder.cpp, tokens become tables in
// TokenizerVocabulary.cpp, merges and scores in TokenizerPairs.cpp. Each step fills some vectors of TokenizerTables and
// returns an error where the source is wrong; run() has their order.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERBUILDERIMPL_H
#define NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERBUILDERIMPL_H

#include "compiler/Import/Text/NormalizerBuilder.h"
#include "compiler/Import/Text/TokenizerTables.h"
#include "compiler/Import/Text/WordPatterns.h"
#include "runtime/text/TokenizerImpl.h"

#include "llvm/Support/Error.h"

namespace nibble {

class TokenizerBuilder {
public:
  explicit TokenizerBuilder(const TokenizerSource &source) : source(source) {}

  llvm::Error run();
  llvm::Expected<flatbuffers::Offset<schema::Tokenizer>> write(flatbuffers::FlatBufferBuilder &builder) const;

private:
  //===--- which tokenizer it is: TokenizerBuilder.cpp ------------------------===//
  llvm::Error chooseModel();
  llvm::Error chooseByteLevel();
  llvm::Error chooseWordPiece();
  llvm::Error checkIds() const;
  llvm::Error markDirectWords();

  //===--- tokens: TokenizerVocabulary.cpp ------------------------------------===//
  llvm::Error readTypes();
  llvm::Error decodeTokens();
  llvm::Error findByteTokens();
  void hashTokens();
  llvm::Error listSpecials();
  void listEnds();

  //===--- merges, scores, words: TokenizerPairs.cpp --------------------------===//
  llvm::Error buildPairs();
  llvm::Error readMerges();
  void hashMerges();
  llvm::Error checkScores() const;
  llvm::Error rankScores();
  llvm::Error plantTrie();
  void chooseWords();

  uint8_t typeOf(size_t id) const { return t.flags[id] & rt::TypeMask; }
  bool isByteLevel() const { return t.kind == schema::TokenizerKind::ByteBPE; }

  const TokenizerSource &source;
  std::vector<NormalizerStepSource> normalizer;
  std::vector<WordPatternSource> patterns;
  TokenizerTables t;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_TOKENIZERBUILDERIMPL_H
