//===- TokenizerBuilderTest.cpp - vocabularies that are wrong ----------===//
//
// Every way in which a vocabulary can contradict itself has its sentence and its
// class; equal sources give equal bytes.
//
//===----------------------------------------------------------------------===//
#include "Vocabulary.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/ByteAlphabet.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "runtime/text/WordScanner.h"

#include <gtest/gtest.h>
#include <limits>

using namespace nibble;

namespace {

constexpr int Malformed = 3, Unsupported = 4; // exit codes of the driver

/// Expects that `source` is refused with `exitCode` and a message that holds `part`.
void expectRefused(const TokenizerSource &source, int exitCode, const std::string &part) {
  auto built = buildTokenizer(source);
  ASSERT_FALSE(static_cast<bool>(built)) << "accepted; expected: " << part;
  std::string message;
  EXPECT_EQ(takeImportError(built.takeError(), message), exitCode) << message;
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(TokenizerBuilder, ListsTheModels) {
  TokenizerSource source = test::byteLevelSource();
  source.model = "rwkv";
  expectRefused(source, Unsupported, "tokenizer.ggml.model is 'rwkv'; supported are gpt2");
}

TEST(TokenizerBuilder, ListsThePreTokenizers) {
  TokenizerSource source = test::byteLevelSource();
  source.pre = "bloom";
  expectRefused(source, Unsupported, "tokenizer.ggml.pre is 'bloom'; supported are a.x-4.0, chatglm-bpe, codeshell");
  source.pre = "";
  expectRefused(source, Unsupported, "tokenizer.ggml.pre is absent");
}

TEST(TokenizerBuilder, RefusesOptionsItDoesNotHave) {
  TokenizerSource source = test::sentencePieceSource();
  source.removeExtraWhitespaces = true;
  expectRefused(source, Unsupported, "remove_extra_whitespaces");
  source = test::byteLevelSource();
  source.addSpacePrefix = true;
  expectRefused(source, Unsupported, "add_space_prefix");
  source = test::byteLevelSource();
  source.spacePrefix = "each";
  expectRefused(source, Unsupported, "puts U+2581 before the text");
  // Where normalized text came from is not known, and so not whether it may name a control token.
  source = test::byteLevelSource();
  source.matching.assign(source.tokens.size(), 4);
  llvm::cantFail(buildTokenizer(source));
  source.normalizer = {{"NFC", "", ""}};
  expectRefused(source, Unsupported, "the control token '<|end|>' is recognised in normalized text");
}

TEST(TokenizerBuilder, ChecksIds) {
  for (int32_t TokenizerSource::*id : {&TokenizerSource::bos, &TokenizerSource::eos, &TokenizerSource::eot,
                                       &TokenizerSource::unk, &TokenizerSource::pad})
    for (int32_t value : {-2, 100000, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}) {
      TokenizerSource source = test::byteLevelSource();
      source.*id = value;
      expectRefused(source, Malformed, "_token_id is " + std::to_string(value));
    }
}

TEST(TokenizerBuilder, ChecksLengths) {
  TokenizerSource source = test::byteLevelSource();
  source.types.pop_back();
  expectRefused(source, Malformed, "tokenizer.ggml.token_type has");
  source = test::sentencePieceSource();
  source.scores.pop_back();
  expectRefused(source, Malformed, "tokenizer.ggml.scores has");
  source = test::byteLevelSource();
  source.tokens.clear();
  expectRefused(source, Malformed, "tokenizer.ggml.tokens has 0 entries");
}

TEST(TokenizerBuilder, ChecksTypesAndScores) {
  TokenizerSource source = test::byteLevelSource();
  source.types[7] = 9;
  expectRefused(source, Malformed, "token_type of token 7 is 9");
  source = test::sentencePieceSource();
  source.scores[9] = std::numeric_limits<float>::quiet_NaN();
  expectRefused(source, Malformed, "scores of token 9 is not a number");
}

// Names like <0x-1> have made other readers write outside their tables.
TEST(TokenizerBuilder, ChecksByteTokens) {
  for (const char *name : {"<0x-1>", "<0xG0>", "<0x100>", "", "a"}) {
    TokenizerSource source = test::sentencePieceSource();
    source.tokens[3] = name;
    expectRefused(source, Malformed, "token 3 is a byte token named");
  }
  TokenizerSource source = test::sentencePieceSource();
  source.types[3] = int32_t(TokenType::Unused);
  source.unk = -1;
  expectRefused(source, Malformed, "no token stands for the byte 0x0");
}

TEST(TokenizerBuilder, ChecksMerges) {
  TokenizerSource source = test::byteLevelSource();
  source.merges.push_back("the");
  expectRefused(source, Malformed, "expected two tokens with a space between");
  source.merges.back() = "the xyzzy";
  expectRefused(source, Malformed, "needs the token 'xyzzy', which the vocabulary lacks");
  source.merges.back() = "z q";
  expectRefused(source, Malformed, "needs the token 'zq', which the vocabulary lacks");
}

// Text is cut where no token holds the two bytes, and characters stay whole.
TEST(TokenizerBuilder, CutsWhereNoMergeReachesAcross) {
  TokenizerSource source = test::sentencePieceSource();
  auto words = [](const TokenizerSource &source, std::string_view text) {
    std::vector<uint8_t> built = llvm::cantFail(buildTokenizer(source));
    const auto &table = *flatbuffers::GetRoot<schema::Tokenizer>(built.data());
    EXPECT_EQ(table.pre(), schema::PreTokenizer::Pairs);
    rt::WordScanner scanner(table, text);
    std::vector<std::string> words;
    for (std::string_view word; scanner.next(word);)
      words.emplace_back(word);
    return words;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(words(source, " the over.\xC3\xA9z"), (Words{" the", " over", ".", "\xC3\xA9", "z"}));
  source.tokens.push_back("of\xE2\x96\x81the");
  source.types.push_back(int32_t(TokenType::Normal));
  source.scores.push_back(-500);
  EXPECT_EQ(words(source, " of the over"), (Words{" of the", " over"}));
}

TEST(TokenizerBuilder, IsReproducible) {
  EXPECT_EQ(llvm::cantFail(buildTokenizer(test::byteLevelSource())),
            llvm::cantFail(buildTokenizer(test::byteLevelSource())));
}

TEST(ByteAlphabet, IsAOneToOneSpelling) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(decodeByteLevel(encodeByteLevel(text)), text);
  }
  EXPECT_EQ(encodeByteLevel(" \n"), "\xC4\xA0\xC4\x8A");
  EXPECT_EQ(decodeByteLevel("\xE4\xB8\xAD"), std::nullopt);
  EXPECT_EQ(decodeByteLevel("\xFF"), std::nullopt);
}

} // namespace
