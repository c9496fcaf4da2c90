//===- NormalizerTest.cpp - normal forms from the tables up -------------===//
//
// That the forms are Unicode's is shown by the vectors of the library `tokenizers`
// (HuggingFaceTokenizerTest); here is what those can't show: invalid bytes, text
// that needs nothing, long runs, too little memory.
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/Text/NormalizerBuilder.h"
#include "runtime/text/Normalizer.h"
#include "runtime/text/UTF8.h"

#include <gtest/gtest.h>

using namespace nibble;

namespace {

class Steps {
public:
  explicit Steps(std::vector<NormalizerStepSource> steps) {
    builder.Finish(llvm::cantFail(buildNormalizer(steps, builder)));
    flatbuffers::Verifier verifier(builder.GetBufferPointer(), builder.GetSize());
    EXPECT_TRUE(verifier.VerifyBuffer<schema::Normalizer>());
    normalizer = rt::Normalizer(flatbuffers::GetRoot<schema::Normalizer>(builder.GetBufferPointer()));
  }

  std::string operator()(const std::string &text) {
    std::vector<uint64_t> memory(text.size() * 4 + 16);
    std::string_view result;
    EXPECT_EQ(normalizer.run(text, std::as_writable_bytes(std::span(memory)), result), rt::TextError::None);
    return std::string(result);
  }

  flatbuffers::FlatBufferBuilder builder;
  rt::Normalizer normalizer;
};

// Text that is in normal form C isn't touched, precomposed letters included; marks and what never composes are.
TEST(Normalizer, KnowsWhatItTouches) {
  Steps nfc({{"NFC", "", ""}});
  for (const char *text : {"", "plain", "caf\u00e9 \u1ec7 \uac00 \u65e5\u672c \U0001F600", "\xFF\x80"})
    EXPECT_FALSE(nfc.normalizer.touches(text)) << text;
  for (const char *text : {"cafe\u0301", "\u2126", "\u0958", "\u1100\u1161"})
    EXPECT_TRUE(nfc.normalizer.touches(text)) << text;
  EXPECT_FALSE(Steps({{"Lowercase", "", ""}}).normalizer.touches("plain"));
  EXPECT_TRUE(Steps({{"Prepend", "x", ""}}).normalizer.touches("plain"));
}

// What the tables call untouched comes out of the steps as it went in, for every code point.
TEST(Normalizer, LeavesUntouchedCharactersAlone) {
  for (const char *form : {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"}) {
    Steps steps({{form, "", ""}});
    size_t changed = 0;
    for (uint32_t code = 1; code < 0x110000; code += code < 0x30000 ? 1 : 97) {
      if (code >= 0xD800 && code < 0xE000)
        continue;
      char bytes[4];
      std::string text(bytes, rt::encodeCharacter(code, bytes));
      bool same = steps(text) == text;
      changed += !same;
      EXPECT_TRUE(same || steps.normalizer.touches(text)) << form << " U+" << std::hex << code;
    }
    EXPECT_GT(changed, 100u) << form;
  }
}

TEST(Normalizer, KeepsInvalidBytes) {
  Steps nfc({{"NFC", "", ""}});
  EXPECT_EQ(nfc("e\xCC\x81\xFF\xCC\xE2\x82 e\xCC\x81"), "\xC3\xA9\xFF\xCC\xE2\x82 \xC3\xA9");
  // A mark behind an invalid byte finds nothing to join.
  EXPECT_EQ(nfc("\xFF\xCC\x81"), "\xFF\xCC\x81");
}

TEST(Normalizer, RunsTheStepsInOrder) {
  EXPECT_EQ(Steps({{"Replace", "ab", "c"}, {"Replace", "c", "ab"}})("abcab"), "ababab");
  EXPECT_EQ(Steps({{"Strip", "left", ""}, {"Prepend", "\u00e9", ""}})(" \u3000x "), "\u00e9x ");
  EXPECT_EQ(Steps({{"Strip", "both", ""}, {"Prepend", "x", ""}})("  "), "");
  EXPECT_EQ(Steps({{"Bert", "clean chinese", ""}})("A\t\u4e2d\u0301\u0001"), "A  \u4e2d \u0301");
  EXPECT_EQ(Steps({{"Bert", "accents lowercase", ""}})("\u00c9\u0130\u4e2d\t"), "ei\u4e2d\t");
}

// Marks sort by their class, however many there are; a count of each class keeps it linear.
TEST(Normalizer, OrdersLongRunsOfMarks) {
  Steps nfd({{"NFD", "", ""}});
  std::string above, below, mixed;
  for (int i = 0; i < 100000; ++i) {
    above += "\u0301";
    below += "\u0323";
    mixed += "\u0301\u0323";
  }
  EXPECT_EQ(nfd("a" + mixed + "b"), "a" + below + above + "b");
}

TEST(Normalizer, SaysWhenMemoryIsTooSmall) {
  Steps nfkd({{"NFKD", "", ""}});
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += "\uFDFA"; // becomes 18 characters
  uint64_t memory[128];
  std::string_view result;
  EXPECT_EQ(nfkd.normalizer.run(text, std::as_writable_bytes(std::span(memory)), result),
            rt::TextError::WorkspaceTooSmall);
}

TEST(Normalizer, RefusesUnknownSteps) {
  flatbuffers::FlatBufferBuilder builder;
  auto result = buildNormalizer({{"Nmt", "", ""}}, builder);
  ASSERT_FALSE(bool(result));
  EXPECT_NE(llvm::toString(result.takeError()).find("unsupported step of normalization: 'Nmt'"), std::string::npos);
}

} // namespace
