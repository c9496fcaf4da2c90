//===- TokenizerMetadataTest.cpp - Text settings of a GGUF file -----------===//
//
// Absent keys stay absent, present ones are copied.
//
//===----------------------------------------------------------------------===//

#include "test/Import/TinyModel.h"

#include "compiler/Import/TokenizerMetadata.h"

using namespace nibble;
using namespace nibble::test;

namespace {

using TokenizerMetadataTest = TinyModel;

TEST_F(TokenizerMetadataTest, BytePairEncoding) {
  auto file = openTiny("--vocab 300");
  ASSERT_TRUE(file);
  TokenizerSource source = take(readTokenizer(*file));
  EXPECT_EQ(source.model, "gpt2");
  EXPECT_EQ(source.pre, "smollm");
  ASSERT_EQ(source.tokens.size(), 300u);
  EXPECT_EQ(source.tokens[1], "<|im_start|>");
  EXPECT_EQ(source.tokens[3 + 'A'], "A");
  EXPECT_EQ(source.tokens[3 + 256], "\u0120t");
  EXPECT_EQ(source.merges.size(), 20u);
  EXPECT_EQ(source.merges[0], "\u0120 t");
  EXPECT_TRUE(source.scores.empty());
  ASSERT_EQ(source.types.size(), 300u);
  EXPECT_EQ(source.types[0], int32_t(TokenType::Control));
  EXPECT_EQ(source.types[299], int32_t(TokenType::Unused));
  EXPECT_EQ(source.bos, 1);
  EXPECT_EQ(source.eos, 2);
  EXPECT_EQ(source.unk, 0);
  EXPECT_EQ(source.eot, -1);
  EXPECT_EQ(source.pad, -1);
  EXPECT_EQ(source.addBos, false);
  EXPECT_EQ(source.addSpacePrefix, std::nullopt);
  EXPECT_FALSE(source.removeExtraWhitespaces);
}

TEST_F(TokenizerMetadataTest, SentencePiece) {
  auto file = openTiny("--tokenizer spm");
  ASSERT_TRUE(file);
  TokenizerSource source = take(readTokenizer(*file));
  EXPECT_EQ(source.model, "llama");
  EXPECT_EQ(source.pre, "");
  ASSERT_GT(source.tokens.size(), 259u);
  EXPECT_EQ(source.tokens[3 + 0x41], "<0x41>");
  EXPECT_EQ(source.types[3 + 0x41], int32_t(TokenType::Byte));
  ASSERT_EQ(source.scores.size(), source.tokens.size());
  EXPECT_EQ(source.scores[260], -1.0f);
  EXPECT_TRUE(source.merges.empty());
  EXPECT_EQ(source.addBos, true);
}

TEST_F(TokenizerMetadataTest, MinusOneIsNoToken) {
  auto none = openTiny("--padding 4294967295");
  ASSERT_TRUE(none);
  EXPECT_EQ(take(readTokenizer(*none)).pad, -1);
  auto some = openTiny("--padding 7");
  ASSERT_TRUE(some);
  EXPECT_EQ(take(readTokenizer(*some)).pad, 7);
}

TEST_F(TokenizerMetadataTest, ChatTemplate) {
  auto file = openTiny("--template 'a{{ b }}c'");
  ASSERT_TRUE(file);
  EXPECT_EQ(take(readChatTemplate(*file)), "a{{ b }}c");
  file = openTiny("--no-template");
  ASSERT_TRUE(file);
  EXPECT_EQ(take(readChatTemplate(*file)), std::nullopt);
}

TEST_F(TokenizerMetadataTest, GenerationDefaults) {
  auto file = openTiny();
  ASSERT_TRUE(file);
  GenerationDefaults defaults = take(readGenerationDefaults(*file));
  EXPECT_FALSE(defaults.temperature || defaults.topK || defaults.topP ||
               defaults.minP || defaults.repeatPenalty ||
               defaults.repeatWindow);
  file = openTiny("--sampling");
  ASSERT_TRUE(file);
  defaults = take(readGenerationDefaults(*file));
  EXPECT_EQ(defaults.temperature, 0.5);
  EXPECT_EQ(defaults.topK, 40u);
  EXPECT_EQ(defaults.topP, 0.75);
  EXPECT_EQ(defaults.minP, std::nullopt);
}

} // namespace
