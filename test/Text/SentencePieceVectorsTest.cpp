//===- SentencePieceVectorsTest.cpp - BPE by score against its library ------===//
//
// Inputs/sentencepiece has small vocabularies and the ids that SentencePiece gives of
// hard texts (make_sentencepiece.py).
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "runtime/text/Tokenizer.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace nibble;

namespace {

llvm::json::Value read(const std::string &name) {
  const char *source = std::getenv("NIBBLE_SOURCE_DIR");
  auto file = llvm::MemoryBuffer::getFile(std::string(source ? source : NIBBLE_TEST_SOURCE_DIR) +
                                          "/test/Text/Inputs/sentencepiece/" + name + ".json");
  if (!file) {
    ADD_FAILURE() << name << ": " << file.getError().message();
    return nullptr;
  }
  return llvm::cantFail(llvm::json::parse((*file)->getBuffer()));
}

TokenizerSource sourceOf(const llvm::json::Object &file) {
  TokenizerSource source;
  source.model = "llama";
  source.unk = 0;
  source.addSpacePrefix = file.getBoolean("space");
  for (const llvm::json::Value &piece : *file.getArray("pieces"))
    source.tokens.push_back(piece.getAsString()->str());
  for (const llvm::json::Value &score : *file.getArray("scores"))
    source.scores.push_back(*score.getAsNumber());
  for (const llvm::json::Value &type : *file.getArray("types"))
    source.types.push_back(static_cast<int32_t>(*type.getAsInteger()));
  return source;
}

class SentencePieceVectors : public testing::TestWithParam<const char *> {};

TEST_P(SentencePieceVectors, EncodesAsItsLibrary) {
  llvm::json::Value root = read(GetParam());
  const llvm::json::Object *file = root.getAsObject();
  ASSERT_TRUE(file);
  std::vector<uint8_t> table = llvm::cantFail(buildTokenizer(sourceOf(*file)));
  rt::Tokenizer tokenizer;
  ASSERT_EQ(rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer), rt::TextError::None);
  EXPECT_GT(file->getArray("vectors")->size(), 90u);
  for (const llvm::json::Value &value : *file->getArray("vectors")) {
    std::string text = value.getAsObject()->getString("text")->str();
    std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(text.size()));
    std::vector<int32_t> ids(rt::Tokenizer::maxTokens(text.size())), expected;
    size_t count = 0;
    EXPECT_EQ(tokenizer.encode(text, {}, workspace, ids, count), rt::TextError::None);
    ids.resize(count);
    for (const llvm::json::Value &id : *value.getAsObject()->getArray("ids"))
      expected.push_back(static_cast<int32_t>(*id.getAsInteger()));
    EXPECT_EQ(ids, expected) << '"' << text << '"';
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SentencePieceVectors, testing::Values("llama", "gemma"));

} // namespace
