// The command line: values, ranges, unknown names, combinations without meaning.
#include "runtime/main/Options.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace nibble::rt;

namespace {

struct Parsed {
  explicit Parsed(std::vector<std::string> words) : texts(std::move(words)), status(Status::success()) {
    texts.insert(texts.begin(), "model");
    for (std::string &text : texts)
      pointers.push_back(text.data());
    status = parseOptions(pointers, options);
  }
  std::string error() const { return status.failed() ? status.text() : ""; }

  std::vector<std::string> texts;
  std::vector<char *> pointers;
  Options options;
  Status status;
};

TEST(Options, TakeValues) {
  Parsed p({"--temp", "0.5", "--top-k=7", "-n", "-1", "hello", "--stop", "a", "--stop=b=c", "--seed", "18", "-q"});
  EXPECT_EQ(p.error(), "");
  EXPECT_EQ(p.options.temperature, 0.5f);
  EXPECT_EQ(p.options.topK, 7);
  EXPECT_EQ(p.options.generate, -1);
  EXPECT_EQ(p.options.prompt, "hello");
  ASSERT_EQ(p.options.stopCount, 2u);
  EXPECT_EQ(p.options.stops[1], "b=c");
  EXPECT_EQ(p.options.seed, 18u);
  EXPECT_TRUE(p.options.quiet);
  EXPECT_EQ(p.options.topP, Options::UnsetReal);
}

TEST(Options, ThePromptMayBeginWithADash) {
  EXPECT_EQ(Parsed({"--raw", "--", "-n"}).options.prompt, "-n");
  EXPECT_EQ(Parsed({"-"}).options.prompt, "-");
}

TEST(Options, WrongValuesAreNamed) {
  EXPECT_EQ(Parsed({"x", "--temp", "hot"}).error(), "--temp wants a number from 0 to 100, not 'hot'");
  EXPECT_EQ(Parsed({"x", "--temp", "nan"}).error(), "--temp wants a number from 0 to 100, not 'nan'");
  EXPECT_EQ(Parsed({"x", "--top-p", "1.5"}).error(), "--top-p wants a number from 0 to 1, not '1.5'");
  EXPECT_NE(Parsed({"x", "-n", "5x"}).error(), "");
  EXPECT_NE(Parsed({"x", "-n", "99999999999999999999"}).error(), "");
  EXPECT_NE(Parsed({"x", "--threads", "0"}).error(), "");
  EXPECT_NE(Parsed({"x", "--seed", "-1"}).error(), "");
  EXPECT_NE(Parsed({"x", "--stop", ""}).error(), "");
  EXPECT_NE(Parsed({"x", "--stop", std::string(MaxStopBytes + 1, 'x')}).error(), "");
}

TEST(Options, WrongNamesAreNamed) {
  EXPECT_EQ(Parsed({"x", "--tempp", "1"}).error(), "unknown option '--tempp'; --help lists the options");
  EXPECT_EQ(Parsed({"x", "--temp"}).error(), "--temp wants a value; --help lists the options");
  EXPECT_EQ(Parsed({"x", "--raw=1"}).error(), "--raw takes no value; --help lists the options");
  EXPECT_EQ(Parsed({"x", "y"}).error(), "a second prompt 'y'; put quotes around the prompt; --help lists the options");
}

TEST(Options, CombinationsWithoutMeaningAreRefused) {
  for (std::vector<std::string> words : std::vector<std::vector<std::string>>{
           {}, {"-i", "x"}, {"-i", "--raw"}, {"--bench", "x"}, {"--bench", "--info"}, {"x", "-f", "y"},
           {"x", "-p", "5"},
           {"x", "--json"}, {"--raw", "--system", "s", "x"}, {"--special", "x"}, {"--tokens", "1", "--system", "s"}})
    EXPECT_EQ(Parsed(words).status.code(), Exit::Usage) << testing::PrintToString(words);
  for (std::vector<std::string> words : std::vector<std::vector<std::string>>{
           {"--help"}, {"--version"}, {"-i"}, {"--info"}, {"--bench", "-p", "5", "-n", "5", "--json"},
           {"--raw", "-f", "x"},
           {"--perplexity", "f", "--json"}, {"--logits", "f", "--tokens", "1,2"}})
    EXPECT_FALSE(Parsed(words).status.failed()) << testing::PrintToString(words);
}

TEST(Options, Ids) {
  int32_t ids[4];
  size_t count = 0;
  ASSERT_FALSE(parseIds("1, 2 3", 10, ids, count).failed());
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(ids[2], 3);
  for (const char *wrong : {"", "1,x", "10", "-1", "1,2,3,4,5", "99999999999999999999"})
    EXPECT_EQ(parseIds(wrong, 10, ids, count).code(), Exit::Usage) << wrong;
}

TEST(Options, HelpNamesEveryOption) {
  testing::internal::CaptureStdout();
  {
    Output out(1);
    printHelp(out, "model");
  }
  std::string help = testing::internal::GetCapturedStdout();
  for (const char *name : {"-i", "--raw", "-f", "-n", "--temp", "--top-k", "--top-p", "--min-p", "--repeat-penalty",
                           "--seed", "--stop", "--threads", "--ctx", "--system", "--info", "--bench", "--json",
                           "--logits",
                           "--tokens", "--perplexity", "--print-ids", "--help", "--version", "--quiet"})
    EXPECT_NE(help.find(name), help.npos) << name;
}

TEST(Options, StatesAndPrefixes) {
  EXPECT_EQ(Parsed({"--raw", "--load-state", "a"}).error(), ""); // a text goes on without a prompt
  EXPECT_NE(Parsed({"--load-state", "a"}).error(), "");          // a conversation does not
  EXPECT_EQ(Parsed({"-i", "--load-state", "a", "--save-state", "a"}).error(), "");
  EXPECT_EQ(Parsed({"--prefix-file", "a", "--save-state", "b"}).error(), "");
  for (std::vector<std::string> wrong : {std::vector<std::string>{"--prefix-file", "a"},
                                         {"--prefix-file", "a", "--save-state", "b", "hello"},
                                         {"--prefix-file", "a", "--save-state", "b", "-i"},
                                         {"--tokenize", "hello", "--save-state", "b"},
                                         {"--perplexity", "a", "--load-state", "b"},
                                         {"hello", "--load-state", "b", "--system", "c"}})
    EXPECT_NE(Parsed(wrong).error(), "") << wrong[0];
}

TEST(Options, ResidencyOfWeights) {
  EXPECT_EQ(Parsed({"a"}).options.residency, Residency::Map);
  EXPECT_EQ(Parsed({"a", "--weights-residency", "lock"}).options.residency, Residency::Lock);
  EXPECT_EQ(Parsed({"a", "--weights-residency=read"}).options.residency, Residency::Read);
  EXPECT_NE(Parsed({"a", "--weights-residency=swap"}).error(), "");
}

} // namespace
