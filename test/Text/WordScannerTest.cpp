//===- WordScannerTest.cpp - pre-tokenizers against their expressions --===//
//
// The words of each case were computed with the regular expressions of the
// models' own tokenizers (the engine of Hugging Face's `tokenizers` 0.23), except
// those of Default, which are derived by hand from the four expressions.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/WordScanner.h"

#include "compiler/Import/Text/UnicodeTables.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

using namespace nibble;
using namespace std::string_view_literals;
using schema::PreTokenizer;

namespace {

struct Case {
  PreTokenizer kind;
  std::vector<std::string_view> words;
};

const Case cases[] = {
    {PreTokenizer::GPT2, {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " 12345"sv, " o"sv, "'"sv, "clock"sv, "!"sv}},
    {PreTokenizer::GPT2, {"I"sv, "'"sv, "LL"sv, " WE"sv, "'"sv, "Ve"sv, " '"sv, "s"sv, " x"sv, "'"sv, "\305\277"sv, " '"sv, "sS"sv}},
    {PreTokenizer::GPT2, {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012 "sv, " e"sv, " \015\012"sv}},
    {PreTokenizer::GPT2, {"   "sv}},
    {PreTokenizer::GPT2, {" "sv, " 1"sv, " "sv, " 22"sv, " 333"sv}},
    {PreTokenizer::GPT2, {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011"sv, "if"sv}},
    {PreTokenizer::GPT2, {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {PreTokenizer::GPT2, {"\303\251"sv, "\314\201"sv, "e"sv, "\302\240"sv, "\343\200\200"sv, "x"sv, "\342\200\250 "sv, "\302\205"sv, "y"sv}},
    {PreTokenizer::GPT2, {"\302\275\302\262\342\205\247\331\243"sv, "x"sv, "\340\245\247\340\245\250\340\245\251\340\245\252\340\245\253"sv}},
    {PreTokenizer::GPT2, {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv, " \340\271\204\340\270\227\340\270\242"sv}},
    {PreTokenizer::GPT2, {"!"sv, "hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {PreTokenizer::GPT2, {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv, " \342\235\244\357\270\217"sv, " 1"sv, "\357\270\217\342\203\243"sv}},
    {PreTokenizer::GPT2, {"\011"sv, "\011"sv, "x"sv, "\011"sv, " y"sv}},
    {PreTokenizer::GPT2, {"..."sv, "\012"sv, "\012"sv, "..."sv, "\015"sv, "\012"sv, "."sv}},
    {PreTokenizer::GPT2, {"\000\001"sv, " a"sv, "\177"sv, "b"sv}},
    {PreTokenizer::GPT2, {" \012 \012"sv, " x"sv}},
    {PreTokenizer::GPT2, {"'re"sv, "'re"sv}},
    {PreTokenizer::GPT2, {"\331\241\331\242\331\243\331\244"sv, " 1234567"sv}},
    {PreTokenizer::SmolLM, {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, " o"sv, "'"sv, "clock"sv, "!"sv}},
    {PreTokenizer::SmolLM, {"I"sv, "'"sv, "LL"sv, " WE"sv, "'"sv, "Ve"sv, " '"sv, "s"sv, " x"sv, "'"sv, "\305\277"sv, " '"sv, "sS"sv}},
    {PreTokenizer::SmolLM, {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012 "sv, " e"sv, " \015\012"sv}},
    {PreTokenizer::SmolLM, {"   "sv}},
    {PreTokenizer::SmolLM, {"  "sv, "1"sv, "  "sv, "2"sv, "2"sv, " "sv, "3"sv, "3"sv, "3"sv}},
    {PreTokenizer::SmolLM, {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011"sv, "if"sv}},
    {PreTokenizer::SmolLM, {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {PreTokenizer::SmolLM, {"\303\251"sv, "\314\201"sv, "e"sv, "\302\240"sv, "\343\200\200"sv, "x"sv, "\342\200\250 "sv, "\302\205"sv, "y"sv}},
    {PreTokenizer::SmolLM, {"\302\275"sv, "\302\262"sv, "\342\205\247"sv, "\331\243"sv, "x"sv, "\340\245\247"sv, "\340\245\250"sv, "\340\245\251"sv, "\340\245\252"sv, "\340\245\253"sv}},
    {PreTokenizer::SmolLM, {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv, " \340\271\204\340\270\227\340\270\242"sv}},
    {PreTokenizer::SmolLM, {"!"sv, "hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {PreTokenizer::SmolLM, {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv, " \342\235\244\357\270\217"sv, " "sv, "1"sv, "\357\270\217\342\203\243"sv}},
    {PreTokenizer::SmolLM, {"\011"sv, "\011"sv, "x"sv, "\011"sv, " y"sv}},
    {PreTokenizer::SmolLM, {"..."sv, "\012"sv, "\012"sv, "..."sv, "\015"sv, "\012"sv, "."sv}},
    {PreTokenizer::SmolLM, {"\000\001"sv, " a"sv, "\177"sv, "b"sv}},
    {PreTokenizer::SmolLM, {" \012 \012"sv, " x"sv}},
    {PreTokenizer::SmolLM, {"'re"sv, "'re"sv}},
    {PreTokenizer::SmolLM, {"\331\241"sv, "\331\242"sv, "\331\243"sv, "\331\244"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, "6"sv, "7"sv}},
    {PreTokenizer::Llama3, {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " "sv, "123"sv, "45"sv, " o"sv, "'clock"sv, "!"sv}},
    {PreTokenizer::Llama3, {"I"sv, "'LL"sv, " WE"sv, "'Ve"sv, " '"sv, "s"sv, " x"sv, "'\305\277"sv, " '"sv, "sS"sv}},
    {PreTokenizer::Llama3, {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012"sv, " "sv, " e"sv, " \015\012"sv}},
    {PreTokenizer::Llama3, {"   "sv}},
    {PreTokenizer::Llama3, {" "sv, " "sv, "1"sv, " "sv, " "sv, "22"sv, " "sv, "333"sv}},
    {PreTokenizer::Llama3, {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011if"sv}},
    {PreTokenizer::Llama3, {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {PreTokenizer::Llama3, {"\303\251"sv, "\314\201e"sv, "\302\240"sv, "\343\200\200x"sv, "\342\200\250 "sv, "\302\205y"sv}},
    {PreTokenizer::Llama3, {"\302\275\302\262\342\205\247"sv, "\331\243"sv, "x"sv, "\340\245\247\340\245\250\340\245\251"sv, "\340\245\252\340\245\253"sv}},
    {PreTokenizer::Llama3, {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv, " \340\271\204\340\270\227\340\270\242"sv}},
    {PreTokenizer::Llama3, {"!hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {PreTokenizer::Llama3, {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv, " \342\235\244\357\270\217"sv, " "sv, "1"sv, "\357\270\217\342\203\243"sv}},
    {PreTokenizer::Llama3, {"\011"sv, "\011x"sv, "\011"sv, " y"sv}},
    {PreTokenizer::Llama3, {"...\012\012"sv, "...\015\012"sv, "."sv}},
    {PreTokenizer::Llama3, {"\000\001"sv, " a"sv, "\177b"sv}},
    {PreTokenizer::Llama3, {" \012 \012"sv, " x"sv}},
    {PreTokenizer::Llama3, {"'re"sv, "'re"sv}},
    {PreTokenizer::Llama3, {"\331\241\331\242\331\243"sv, "\331\244"sv, " "sv, "123"sv, "456"sv, "7"sv}},
    {PreTokenizer::Qwen2, {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, " o"sv, "'clock"sv, "!"sv}},
    {PreTokenizer::Qwen2, {"I"sv, "'LL"sv, " WE"sv, "'Ve"sv, " '"sv, "s"sv, " x"sv, "'\305\277"sv, " '"sv, "sS"sv}},
    {PreTokenizer::Qwen2, {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012"sv, " "sv, " e"sv, " \015\012"sv}},
    {PreTokenizer::Qwen2, {"   "sv}},
    {PreTokenizer::Qwen2, {" "sv, " "sv, "1"sv, " "sv, " "sv, "2"sv, "2"sv, " "sv, "3"sv, "3"sv, "3"sv}},
    {PreTokenizer::Qwen2, {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011if"sv}},
    {PreTokenizer::Qwen2, {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {PreTokenizer::Qwen2, {"\303\251"sv, "\314\201e"sv, "\302\240"sv, "\343\200\200x"sv, "\342\200\250 "sv, "\302\205y"sv}},
    {PreTokenizer::Qwen2, {"\302\275"sv, "\302\262"sv, "\342\205\247"sv, "\331\243"sv, "x"sv, "\340\245\247"sv, "\340\245\250"sv, "\340\245\251"sv, "\340\245\252"sv, "\340\245\253"sv}},
    {PreTokenizer::Qwen2, {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv, " \340\271\204\340\270\227\340\270\242"sv}},
    {PreTokenizer::Qwen2, {"!hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {PreTokenizer::Qwen2, {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv, " \342\235\244\357\270\217"sv, " "sv, "1"sv, "\357\270\217\342\203\243"sv}},
    {PreTokenizer::Qwen2, {"\011"sv, "\011x"sv, "\011"sv, " y"sv}},
    {PreTokenizer::Qwen2, {"...\012\012"sv, "...\015\012"sv, "."sv}},
    {PreTokenizer::Qwen2, {"\000\001"sv, " a"sv, "\177b"sv}},
    {PreTokenizer::Qwen2, {" \012 \012"sv, " x"sv}},
    {PreTokenizer::Qwen2, {"'re"sv, "'re"sv}},
    {PreTokenizer::Qwen2, {"\331\241"sv, "\331\242"sv, "\331\243"sv, "\331\244"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, "6"sv, "7"sv}},
    {PreTokenizer::Default, {"Hello"sv, " world"sv, ","sv, " it"sv, "'"sv, "s"sv, " "sv, "123"sv, "45"sv}},
    {PreTokenizer::Default, {"a"sv, " "sv, " "sv, "1"sv, "+="sv, "x"sv, " "sv, "<$>\343\200\202"sv, "\n"sv}},
    {PreTokenizer::Default, {" \302\275"sv.substr(0, 1), "\302\275"sv, "123"sv, "456"sv, "7"sv, "b"sv}},
    {PreTokenizer::Spaces, {"  a"sv, " b\n"sv, "  c"sv, " "sv}},
    {PreTokenizer::Whole, {"a b  c"sv}},
};

class WordScanner : public testing::Test {
protected:
  std::vector<std::string_view> split(PreTokenizer kind, std::string_view text) {
    rt::WordScanner scanner(kind, rt::UnicodeClasses(tables.blocks.data(), tables.classes.data()), text);
    std::vector<std::string_view> words;
    for (std::string_view word; scanner.next(word);)
      words.push_back(word);
    return words;
  }

  UnicodeTables tables = buildUnicodeTables();
};

TEST_F(WordScanner, SplitsAsTheExpressionsDo) {
  for (const Case &expected : cases) {
    std::string text;
    for (std::string_view word : expected.words)
      text += word;
    EXPECT_EQ(split(expected.kind, text), expected.words)
        << schema::EnumNamePreTokenizer(expected.kind) << " of '" << text << "'";
  }
}

/// `text` without white space of ASCII and U+00A0.
static std::string withoutSpace(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i)
    if (text.substr(i, 2) == "\xC2\xA0")
      ++i;
    else if (!std::strchr(" \n\r\t", text[i]))
      result += text[i];
  return result;
}

// Whatever the bytes, the words in order are the text and none is empty; Bert's are the text without white space.
TEST_F(WordScanner, KeepsEveryByte) {
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    const char alphabet[] = "ab '1\n\r\t.\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\xFF\xC2\xA0";
    for (unsigned i = random() % 40; i > 0; --i)
      text += alphabet[random() % (sizeof(alphabet) - 1)];
    for (PreTokenizer kind : schema::EnumValuesPreTokenizer()) {
      std::string joined;
      for (std::string_view word : split(kind, text)) {
        ASSERT_FALSE(word.empty()) << "seed " << seed;
        joined += word;
      }
      std::string expected = text;
      if (kind == PreTokenizer::Bert)
        expected = withoutSpace(text);
      ASSERT_EQ(joined, expected) << "seed " << seed << ' ' << schema::EnumNamePreTokenizer(kind);
    }
  }
}

// An invalid byte is a character of no class, like a symbol.
TEST_F(WordScanner, TreatsInvalidBytesAsSymbols) {
  std::vector<std::string_view> words = {"a"sv, "\xFF\xC3"sv, " b"sv};
  EXPECT_EQ(split(PreTokenizer::GPT2, "a\xFF\xC3 b"sv), words);
}

TEST_F(WordScanner, KnowsTheClasses) {
  rt::UnicodeClasses classes(tables.blocks.data(), tables.classes.data());
  EXPECT_EQ(classes.of('a'), rt::ClassLetter | rt::ClassLower);
  EXPECT_EQ(classes.of(0x01C5), rt::ClassLetter | rt::ClassUpper); // Lt
  EXPECT_EQ(classes.of(0x02B0), rt::ClassLetter);      // Lm
  EXPECT_EQ(classes.of(0x216B), rt::ClassNumber);      // Nl
  EXPECT_EQ(classes.of(0x00B2), rt::ClassNumber);      // No
  EXPECT_EQ(classes.of(0x3000), rt::ClassSpace);       // Zs
  EXPECT_EQ(classes.of(0x0085), rt::ClassSpace);       // NEL, a control
  EXPECT_EQ(classes.of(0x200B), 0);                    // Cf, no white space
  EXPECT_EQ(classes.of(0x0301), rt::ClassMark);        // Mn
  EXPECT_EQ(classes.of('_'), rt::ClassPunctuation);    // Pc
  EXPECT_EQ(classes.of('+'), 0);                       // Sm
  EXPECT_EQ(classes.of(0x10FFFF), 0);
  EXPECT_EQ(classes.of(rt::Character::Invalid), 0);
}

} // namespace
