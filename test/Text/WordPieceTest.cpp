//===- WordPieceTest.cpp - BERT's tokenizer as GGUF spells it ----------===//
//
// HuggingFaceTokenizerTest compares with the library `tokenizers`; here is a
// vocabulary in GGUF's words, and what comes back from ids.
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "runtime/text/Tokenizer.h"

#include <gtest/gtest.h>

using namespace nibble;

namespace {

TokenizerSource bertSource() {
  TokenizerSource source;
  source.model = "bert";
  source.tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
  source.types = {3, 2, 3, 3};
  for (const char *piece :
       {"\u2581un", "\u2581u", "n", "aff", "able", "\u2581,", "\u2581a", "\u2581e", "\u2581\u4e2d"}) {
    source.tokens.push_back(piece);
    source.types.push_back(1);
  }
  source.unk = 1;
  source.bos = 2;
  source.eos = 3;
  return source;
}

class WordPiece : public testing::Test {
protected:
  void open(const TokenizerSource &source) {
    table = llvm::cantFail(buildTokenizer(source));
    ASSERT_EQ(rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer),
              rt::TextError::None);
  }
  std::vector<int32_t> encode(std::string_view text, bool addSpecial = false) {
    std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(text.size()));
    std::vector<int32_t> ids(rt::Tokenizer::maxTokens(text.size()));
    rt::EncodeOptions options;
    options.addSpecial = addSpecial;
    size_t count = 0;
    EXPECT_EQ(tokenizer.encode(text, options, workspace, ids, count), rt::TextError::None);
    ids.resize(count);
    return ids;
  }

  std::vector<uint8_t> table;
  rt::Tokenizer tokenizer;
};

using Ids = std::vector<int32_t>;

// The longest piece at each place; a word that comes to a dead end is unknown as a whole, even if other cuts exist.
TEST_F(WordPiece, TakesTheLongestPieces) {
  open(bertSource());
  EXPECT_EQ(encode("unaffable"), (Ids{4, 7, 8}));
  EXPECT_EQ(encode("unx,un"), (Ids{1, 9, 4}));
  EXPECT_EQ(encode("affable un n"), (Ids{1, 4, 1}));
  EXPECT_EQ(encode("UN \u00c9 a\u4e2da", true), (Ids{2, 4, 11, 10, 12, 10, 3}));
  EXPECT_EQ(encode(""), Ids{});
  EXPECT_EQ(encode(" \t"), Ids{});
}

TEST_F(WordPiece, CallsLongWordsUnknown) {
  TokenizerSource source = bertSource();
  source.maxWordCharacters = 3;
  open(source);
  EXPECT_EQ(encode("unn unnn"), (Ids{4, 6, 1}));
}

// Case and accents stay where the model wants them.
TEST_F(WordPiece, NormalizesAsAsked) {
  TokenizerSource source = bertSource();
  source.normalizer = {{"Bert", "clean chinese", ""}};
  open(source);
  EXPECT_EQ(encode("un UN \u00e9"), (Ids{4, 1, 1}));
}

TEST_F(WordPiece, DecodesWordsWithSpacesBetween) {
  open(bertSource());
  char text[64];
  size_t size = 0;
  ASSERT_EQ(tokenizer.decode(Ids{2, 4, 7, 8, 9, 10, 3}, {}, text, size), rt::TextError::None);
  EXPECT_EQ(std::string_view(text, size), "unaffable , a");
}

TEST_F(WordPiece, NeedsAnUnknownToken) {
  TokenizerSource source = bertSource();
  source.unk = -1;
  auto built = buildTokenizer(source);
  ASSERT_FALSE(bool(built));
  EXPECT_NE(llvm::toString(built.takeError()).find("unknown_token_id is absent"), std::string::npos);
}

} // namespace
