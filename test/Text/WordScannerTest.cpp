//===- WordScannerTest.cpp - pre-tokenizers against their expressions --===//
//
// The words of each case were computed with the regular expressions of the
// models' own tokenizers (the engine of Hugging Face's `tokenizers` 0.23), except
// those of Default, which are derived by hand from the four expressions.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/WordScanner.h"

#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Import/Text/WordPatterns.h"
#include "Vocabulary.h"

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace nibble;
using namespace std::string_view_literals;

namespace {

struct Case {
  const char *name;
  std::vector<std::string_view> words;
};

// Longer than 80 lines because it is a table.
const Case cases[] = {
    {"gpt-2", {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " 12345"sv, " o"sv, "'"sv, "clock"sv, "!"sv}},
    {"gpt-2",
     {"I"sv, "'"sv, "LL"sv, " WE"sv, "'"sv, "Ve"sv, " '"sv, "s"sv, " x"sv, "'"sv, "\305\277"sv, " '"sv, "sS"sv}},
    {"gpt-2", {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012 "sv, " e"sv, " \015\012"sv}},
    {"gpt-2", {"   "sv}},
    {"gpt-2", {" "sv, " 1"sv, " "sv, " 22"sv, " 333"sv}},
    {"gpt-2",
     {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011"sv, "if"sv}},
    {"gpt-2", {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {"gpt-2",
     {"\303\251"sv, "\314\201"sv, "e"sv, "\302\240"sv, "\343\200\200"sv, "x"sv, "\342\200\250 "sv, "\302\205"sv,
      "y"sv}},
    {"gpt-2",
     {"\302\275\302\262\342\205\247\331\243"sv, "x"sv,
      "\340\245\247\340\245\250\340\245\251\340\245\252\340\245\253"sv}},
    {"gpt-2",
     {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv,
      " \340\271\204\340\270\227\340\270\242"sv}},
    {"gpt-2", {"!"sv, "hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {"gpt-2",
     {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv,
      " \342\235\244\357\270\217"sv, " 1"sv, "\357\270\217\342\203\243"sv}},
    {"gpt-2", {"\011"sv, "\011"sv, "x"sv, "\011"sv, " y"sv}},
    {"gpt-2", {"..."sv, "\012"sv, "\012"sv, "..."sv, "\015"sv, "\012"sv, "."sv}},
    {"gpt-2", {"\000\001"sv, " a"sv, "\177"sv, "b"sv}},
    {"gpt-2", {" \012 \012"sv, " x"sv}},
    {"gpt-2", {"'re"sv, "'re"sv}},
    {"gpt-2", {"\331\241\331\242\331\243\331\244"sv, " 1234567"sv}},
    {"smollm",
     {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, " o"sv, "'"sv, "clock"sv,
      "!"sv}},
    {"smollm",
     {"I"sv, "'"sv, "LL"sv, " WE"sv, "'"sv, "Ve"sv, " '"sv, "s"sv, " x"sv, "'"sv, "\305\277"sv, " '"sv, "sS"sv}},
    {"smollm", {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012 "sv, " e"sv, " \015\012"sv}},
    {"smollm", {"   "sv}},
    {"smollm", {"  "sv, "1"sv, "  "sv, "2"sv, "2"sv, " "sv, "3"sv, "3"sv, "3"sv}},
    {"smollm",
     {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011"sv, "if"sv}},
    {"smollm", {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {"smollm",
     {"\303\251"sv, "\314\201"sv, "e"sv, "\302\240"sv, "\343\200\200"sv, "x"sv, "\342\200\250 "sv, "\302\205"sv,
      "y"sv}},
    {"smollm",
     {"\302\275"sv, "\302\262"sv, "\342\205\247"sv, "\331\243"sv, "x"sv, "\340\245\247"sv, "\340\245\250"sv,
      "\340\245\251"sv, "\340\245\252"sv, "\340\245\253"sv}},
    {"smollm",
     {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv,
      " \340\271\204\340\270\227\340\270\242"sv}},
    {"smollm", {"!"sv, "hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {"smollm",
     {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv,
      " \342\235\244\357\270\217"sv, " "sv, "1"sv, "\357\270\217\342\203\243"sv}},
    {"smollm", {"\011"sv, "\011"sv, "x"sv, "\011"sv, " y"sv}},
    {"smollm", {"..."sv, "\012"sv, "\012"sv, "..."sv, "\015"sv, "\012"sv, "."sv}},
    {"smollm", {"\000\001"sv, " a"sv, "\177"sv, "b"sv}},
    {"smollm", {" \012 \012"sv, " x"sv}},
    {"smollm", {"'re"sv, "'re"sv}},
    {"smollm",
     {"\331\241"sv, "\331\242"sv, "\331\243"sv, "\331\244"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, "6"sv, "7"sv}},
    {"llama-bpe", {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " "sv, "123"sv, "45"sv, " o"sv, "'clock"sv, "!"sv}},
    {"llama-bpe", {"I"sv, "'LL"sv, " WE"sv, "'Ve"sv, " '"sv, "s"sv, " x"sv, "'\305\277"sv, " '"sv, "sS"sv}},
    {"llama-bpe",
     {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012"sv, " "sv, " e"sv, " \015\012"sv}},
    {"llama-bpe", {"   "sv}},
    {"llama-bpe", {" "sv, " "sv, "1"sv, " "sv, " "sv, "22"sv, " "sv, "333"sv}},
    {"llama-bpe",
     {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011if"sv}},
    {"llama-bpe", {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {"llama-bpe", {"\303\251"sv, "\314\201e"sv, "\302\240"sv, "\343\200\200x"sv, "\342\200\250 "sv, "\302\205y"sv}},
    {"llama-bpe",
     {"\302\275\302\262\342\205\247"sv, "\331\243"sv, "x"sv, "\340\245\247\340\245\250\340\245\251"sv,
      "\340\245\252\340\245\253"sv}},
    {"llama-bpe",
     {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv,
      " \340\271\204\340\270\227\340\270\242"sv}},
    {"llama-bpe", {"!hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {"llama-bpe",
     {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv,
      " \342\235\244\357\270\217"sv, " "sv, "1"sv, "\357\270\217\342\203\243"sv}},
    {"llama-bpe", {"\011"sv, "\011x"sv, "\011"sv, " y"sv}},
    {"llama-bpe", {"...\012\012"sv, "...\015\012"sv, "."sv}},
    {"llama-bpe", {"\000\001"sv, " a"sv, "\177b"sv}},
    {"llama-bpe", {" \012 \012"sv, " x"sv}},
    {"llama-bpe", {"'re"sv, "'re"sv}},
    {"llama-bpe", {"\331\241\331\242\331\243"sv, "\331\244"sv, " "sv, "123"sv, "456"sv, "7"sv}},
    {"qwen2",
     {"Hello"sv, " world"sv, ","sv, " it"sv, "'s"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, " o"sv, "'clock"sv,
      "!"sv}},
    {"qwen2", {"I"sv, "'LL"sv, " WE"sv, "'Ve"sv, " '"sv, "s"sv, " x"sv, "'\305\277"sv, " '"sv, "sS"sv}},
    {"qwen2", {"a"sv, " "sv, " b"sv, "  "sv, " c"sv, " \012"sv, " d"sv, "\012\012"sv, " "sv, " e"sv, " \015\012"sv}},
    {"qwen2", {"   "sv}},
    {"qwen2", {" "sv, " "sv, "1"sv, " "sv, " "sv, "2"sv, "2"sv, " "sv, "3"sv, "3"sv, "3"sv}},
    {"qwen2", {"x"sv, " ="sv, " y"sv, "**"sv, "2"sv, " !="sv, " z"sv, ";"sv, " //"sv, "c"sv, "\012\012"sv, "\011if"sv}},
    {"qwen2", {"don"sv, "'t"sv, "''"sv, "t"sv, " '"sv, " s"sv}},
    {"qwen2", {"\303\251"sv, "\314\201e"sv, "\302\240"sv, "\343\200\200x"sv, "\342\200\250 "sv, "\302\205y"sv}},
    {"qwen2",
     {"\302\275"sv, "\302\262"sv, "\342\205\247"sv, "\331\243"sv, "x"sv, "\340\245\247"sv, "\340\245\250"sv,
      "\340\245\251"sv, "\340\245\252"sv, "\340\245\253"sv}},
    {"qwen2",
     {"\344\270\255\346\226\207"sv, " \343\203\206\343\202\271\343\203\210\355\225\234\352\265\255\354\226\264"sv,
      " \340\271\204\340\270\227\340\270\242"sv}},
    {"qwen2", {"!hello"sv, " #"sv, "tag"sv, " @"sv, "you"sv, "\012"sv}},
    {"qwen2",
     {"\360\237\230\200\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247"sv,
      " \342\235\244\357\270\217"sv, " "sv, "1"sv, "\357\270\217\342\203\243"sv}},
    {"qwen2", {"\011"sv, "\011x"sv, "\011"sv, " y"sv}},
    {"qwen2", {"...\012\012"sv, "...\015\012"sv, "."sv}},
    {"qwen2", {"\000\001"sv, " a"sv, "\177b"sv}},
    {"qwen2", {" \012 \012"sv, " x"sv}},
    {"qwen2", {"'re"sv, "'re"sv}},
    {"qwen2",
     {"\331\241"sv, "\331\242"sv, "\331\243"sv, "\331\244"sv, " "sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, "6"sv, "7"sv}},
    {"default", {"Hello"sv, " world"sv, ","sv, " it"sv, "'"sv, "s"sv, " "sv, "123"sv, "45"sv}},
    {"default", {"a"sv, " "sv, " "sv, "1"sv, "+="sv, "x"sv, " "sv, "<$>\343\200\202"sv, "\n"sv}},
    {"default", {" \302\275"sv.substr(0, 1), "\302\275"sv, "123"sv, "456"sv, "7"sv, "b"sv}},
    {"", {"  a"sv, " b"sv, "\n"sv, "  "sv, "c"sv, " "sv}},
};

/// The tables of a tokenizer that cuts text so: by the name of a pre-tokenizer (empty: SentencePiece's), or by
/// patterns.
class Cutter {
public:
  explicit Cutter(const std::string &name) {
    TokenizerSource source = name.empty() ? test::sentencePieceSource() : test::byteLevelSource();
    source.pre = name;
    open(source);
  }
  explicit Cutter(std::vector<WordPatternSource> patterns) {
    TokenizerSource source = test::byteLevelSource();
    source.patterns = std::move(patterns);
    open(source);
  }

  std::vector<std::string_view> operator()(std::string_view text, size_t *steps = nullptr) const {
    rt::WordScanner scanner(*flatbuffers::GetRoot<schema::Tokenizer>(table.data()), text);
    std::vector<std::string_view> words;
    for (std::string_view word; scanner.next(word);)
      words.push_back(word);
    if (steps)
      *steps = scanner.steps();
    return words;
  }

private:
  void open(const TokenizerSource &source) {
    auto built = buildTokenizer(source);
    if (built)
      table = std::move(*built);
    else
      ADD_FAILURE() << llvm::toString(built.takeError());
  }

  std::vector<uint8_t> table;
};

TEST(WordScanner, SplitsAsTheExpressionsDo) {
  std::map<std::string, Cutter> cutters;
  for (const Case &expected : cases) {
    const Cutter &split = cutters.try_emplace(expected.name, std::string(expected.name)).first->second;
    std::string text;
    for (std::string_view word : expected.words)
      text += word;
    EXPECT_EQ(split(text), expected.words) << expected.name << " of '" << text << "'";
  }
}

const char *const everyKind[] = {"",       "gpt-2",     "smollm",         "llama-bpe",    "qwen2",       "default",
                                 "tekken", "falcon",    "deepseek-coder", "deepseek-llm", "deepseek-v3", "gpt-4o",
                                 "qwen35", "seed-coder"};

// Whatever the bytes, the words in order are the text and none is empty.
TEST(WordScanner, KeepsEveryByte) {
  for (const char *kind : everyKind) {
    Cutter split{std::string(kind)};
    for (uint32_t seed = 1; seed <= 1000; ++seed) {
      std::mt19937 random(seed);
      std::string text;
      const char alphabet[] = "ab '1\n\r\t.\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\xFF\xC2\xA0";
      for (unsigned i = random() % 40; i > 0; --i)
        text += alphabet[random() % (sizeof(alphabet) - 1)];
      std::string joined;
      for (std::string_view word : split(text)) {
        ASSERT_FALSE(word.empty()) << "seed " << seed;
        joined += word;
      }
      ASSERT_EQ(joined, text) << "seed " << seed << ' ' << kind;
    }
  }
}

// Long runs of anything cost a few steps a byte for each pattern: no text makes a scanner look again and again.
TEST(WordScanner, IsLinearOnHostileText) {
  const char *const pieces[] = {"a", " ", "A", "\n", " \n", "\r", "1", "'", ".", "\u0301", "\u00e9", "\u4e2d", "Aa",
                                "a ", " 1", "aA", "  \t", ".\n", "\xFF", "\u3000"};
  constexpr size_t bytes = 20000;
  for (const char *kind : everyKind) {
    Cutter split{std::string(kind)};
    for (const char *piece : pieces)
      for (const char *end : {"", "x", "1", "\n", "!"}) {
        std::string text;
        while (text.size() < bytes)
          text += piece;
        text += end;
        size_t steps = 0;
        split(text, &steps);
        EXPECT_LE(steps, text.size() * 6 * 3) << kind << " of many '" << piece << "' and '" << end << "'";
      }
  }
}

// An invalid byte is a character of no class, like a symbol.
TEST(WordScanner, TreatsInvalidBytesAsSymbols) {
  std::vector<std::string_view> words = {"a"sv, "\xFF\xC3"sv, " b"sv};
  EXPECT_EQ(Cutter(std::string("gpt-2"))("a\xFF\xC3 b"sv), words);
}

using Words = std::vector<std::string_view>;
using Patterns = std::vector<WordPatternSource>;

TEST(WordScanner, KnowsCodePointsByTheirNumber) {
  EXPECT_EQ(Cutter(Patterns{{R"([\u3040-\u309f]+)"}})("a\u3041\u3042b"), (Words{"a", "\u3041\u3042", "b"}));
}

// The first alternative that matches wins, even if another one would match more.
TEST(WordScanner, PrefersTheFirstAlternative) {
  EXPECT_EQ(Cutter(Patterns{{"a|ab|c{2,3}|(?:de){0,2}f"}})("abccccdedefde"),
            (Words{"a", "b", "ccc", "c", "dedef", "de"}));
  EXPECT_EQ(Cutter(Patterns{{"[ab]{1,3}b|x"}})("abbax"), (Words{"abb", "a", "x"}));
  EXPECT_EQ(Cutter(Patterns{{"(?i:K|sS)"}})("\u212A\u017Fsk"), (Words{"\u212A", "\u017Fs", "k"}));
}

TEST(WordScanner, LooksOneCharacterAhead) {
  EXPECT_EQ(Cutter(Patterns{{R"(a(?=b)|c(?!b)|x$)"}})("abaacbccx\nxb"), (Words{"a", "baacb", "c", "c", "x", "\nxb"}));
}

// Patterns may drop what they match, or what they don't; the next one sees the end of a piece as the end of the text.
TEST(WordScanner, DropsWhatPatternsDrop) {
  EXPECT_EQ(Cutter(Patterns{{R"(\s+)", false}, {"[.,]"}})(" a,b . c "), (Words{"a", ",", "b", ".", "c"}));
  EXPECT_EQ(Cutter(Patterns{{"[a-c]+", true, false}, {"b$"}})("abxbb-c"), (Words{"a", "b", "b", "b", "c"}));
  EXPECT_EQ(Cutter(Patterns{{R"(\s+)", false}})("  "), Words{});
}

TEST(WordPatterns, RefusesWhatItCannotDo) {
  const std::pair<const char *, const char *> refused[] = {
      {"a+?", "lazy or possessive"},
      {"a++", "lazy or possessive"},
      {"^a", "'^'"},
      {R"(\w)", R"('\w')"},
      {R"(\p{Han})", "the property 'Han'"},
      {"(?<=a)b", "'(?<'"},
      {"(?!ab)c", "more than one"},
      {"(a", "isn't closed"},
      {"a)", "closes nothing"},
      {"[a", "a class"},
      {"[a&&b]", "a class"},
      {"a{2", "a count"},
      {"a{3,2}", "a count"},
      {R"(\u12)", "u'"},
      {"a*", "matches nothing"},
      {"(?:a{1000}){1000}", "too many repetitions"},
      {"a+b|a", "again and again"},
      {"(?:ab)*c|a", "again and again"},
  };
  for (auto [regex, message] : refused) {
    auto result = buildWordPatterns({{regex}});
    ASSERT_FALSE(bool(result)) << regex;
    std::string text = llvm::toString(result.takeError());
    EXPECT_NE(text.find(message), std::string::npos) << regex << ": " << text;
  }
}

} // namespace
