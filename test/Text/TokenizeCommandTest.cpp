//===- TokenizeCommandTest.cpp - what `nibble tokenize` prints ---------===//
//
// The driver's part is tested end to end; here it is the form of the output and
// the messages.
//
//===----------------------------------------------------------------------===//
#include "Vocabulary.h"

#include "compiler/Import/Text/TokenizeCommand.h"
#include "compiler/Import/Text/TokenizerBuilder.h"

#include <gtest/gtest.h>

using namespace nibble;

namespace {

class TokenizeCommand : public testing::Test {
protected:
  std::string run(const std::string &input, const TokenizeOptions &options, std::string *error = nullptr) {
    std::string output;
    llvm::raw_string_ostream os(output);
    llvm::Error result = tokenize(table, input, options, os);
    if (error)
      *error = llvm::toString(std::move(result));
    else
      EXPECT_FALSE(result) << llvm::toString(std::move(result));
    return output;
  }

  TokenizerSource source = test::byteLevelSource();
  std::vector<uint8_t> table = llvm::cantFail(buildTokenizer(source));
  std::string end = std::to_string(source.eos);
};

TEST_F(TokenizeCommand, PrintsOneIdALine) {
  EXPECT_EQ(run("!\"", {}), "33\n34\n");
  EXPECT_EQ(run("", {}), "");
}

// A text may become longer when it is normalized.
TEST_F(TokenizeCommand, MakesRoomForNormalizedText) {
  source.normalizer = {{"NFKD", "", ""}};
  table = llvm::cantFail(buildTokenizer(source));
  std::string longest, output;
  for (int i = 0; i < 200; ++i)
    longest += "\uFDFA"; // becomes 18 characters, 33 bytes
  output = run(longest, {});
  EXPECT_EQ(run(output, {.decode = true}).size(), 200u * 33);
}

TEST_F(TokenizeCommand, PrintsPieces) { EXPECT_EQ(run("!\n\xFF", {.pieces = true}), "33\t!\n10\t\\n\n255\t\\377\n"); }

TEST_F(TokenizeCommand, ParsesSpecialTokensOnRequest) {
  EXPECT_EQ(run("<|end|>", {.parseSpecial = true}), end + "\n");
  EXPECT_NE(run("<|end|>", {}), end + "\n");
}

TEST_F(TokenizeCommand, Decodes) {
  EXPECT_EQ(run("33 34\n255 " + end, {.decode = true}), "!\"\xFF");
  EXPECT_EQ(run(" 33 " + end + " ", {.decode = true, .parseSpecial = true}), "!<|end|>");
  EXPECT_EQ(run(run("the quick \xF0\x9F\x98\x80", {}), {.decode = true}), "the quick \xF0\x9F\x98\x80");
}

TEST_F(TokenizeCommand, RefusesWhatIsNoId) {
  for (const char *input : {"-1", "1000000", "33 x", "99999999999999"}) {
    std::string error;
    run(input, {.decode = true}, &error);
    EXPECT_NE(error.find("expected token ids from 0 to " + std::to_string(source.tokens.size() - 1)), std::string::npos)
        << error;
  }
}

TEST_F(TokenizeCommand, ReportsBytesThatWereLeftOut) {
  source.types['z'] = int32_t(TokenType::Unused);
  table = llvm::cantFail(buildTokenizer(source));
  std::string error;
  EXPECT_EQ(run("!z!", {}, &error), "33\n33\n");
  EXPECT_NE(error.find("bytes that the vocabulary cannot express"), std::string::npos) << error;
}

} // namespace
