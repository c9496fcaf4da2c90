// The stream of token texts: stop strings across borders, characters never cut, broken UTF-8.
#include "runtime/core/TextStream.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace nibble::rt;

namespace {

struct Stream {
  explicit Stream(std::vector<std::string_view> stopTexts = {}) : stops(std::move(stopTexts)) {
    stream.initialize(pending, stops, [](void *context, std::string_view piece) {
      static_cast<std::vector<std::string> *>(context)->emplace_back(piece);
    }, &pieces);
  }
  std::string text() const {
    std::string all;
    for (const std::string &piece : pieces)
      all += piece;
    return all;
  }

  char pending[TextStream::pendingBytes(32, 16)];
  std::vector<std::string_view> stops;
  std::vector<std::string> pieces;
  TextStream stream;
};

TEST(TextStream, PassesTextAtOnce) {
  Stream s;
  EXPECT_FALSE(s.stream.append("Hello"));
  EXPECT_EQ(s.text(), "Hello");
}

TEST(TextStream, CharactersStayWhole) {
  std::string text = "aä€😀z";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Stream s;
    s.stream.append(std::string_view(text).substr(0, cut));
    s.stream.append(std::string_view(text).substr(cut));
    s.stream.finish();
    EXPECT_EQ(s.text(), text) << cut;
    for (const std::string &piece : s.pieces)
      EXPECT_NE(static_cast<uint8_t>(piece[0]) & 0xC0, 0x80) << cut; // no piece begins inside a character
  }
}

TEST(TextStream, ByteByByte) {
  std::string text = "中文 ok 😀";
  Stream s({"stop"});
  for (char c : text)
    EXPECT_FALSE(s.stream.append({&c, 1}));
  s.stream.finish();
  EXPECT_EQ(s.text(), text);
}

TEST(TextStream, BrokenBytesBecomeReplacements) {
  Stream s;
  s.stream.append("a\xFF" "b\xE2\x82");
  s.stream.append("c\xC3");
  s.stream.finish();
  EXPECT_EQ(s.text(), "a\uFFFDb\uFFFD\uFFFDc\uFFFD");
}

TEST(TextStream, StopStringAcrossTokens) {
  Stream s({"</end>"});
  EXPECT_FALSE(s.stream.append("text <"));
  EXPECT_EQ(s.text(), "text ");
  EXPECT_FALSE(s.stream.append("/e"));
  EXPECT_TRUE(s.stream.append("nd> more"));
  EXPECT_EQ(s.text(), "text ");
}

TEST(TextStream, AlmostAStopStringIsText) {
  Stream s({"aab"});
  EXPECT_FALSE(s.stream.append("aaa"));
  EXPECT_EQ(s.text(), "a");
  EXPECT_FALSE(s.stream.append("c"));
  EXPECT_EQ(s.text(), "aaac");
}

TEST(TextStream, TheFirstOfTwoStops) {
  Stream s({"later", "now"});
  EXPECT_TRUE(s.stream.append("do it now or later"));
  EXPECT_EQ(s.text(), "do it ");
}

TEST(TextStream, FinishHandsOnWhatWasHeld) {
  Stream s({"stop"});
  s.stream.append("a st");
  EXPECT_EQ(s.text(), "a ");
  s.stream.finish();
  EXPECT_EQ(s.text(), "a st");
}

TEST(TextStream, StopOfOtherBytesThanCharacters) {
  Stream s({"\xE2\x82\xAC!"});
  EXPECT_FALSE(s.stream.append("5 \xE2\x82"));
  EXPECT_EQ(s.text(), "5 ");
  EXPECT_TRUE(s.stream.append("\xAC!"));
  EXPECT_EQ(s.text(), "5 ");
}

TEST(TextStream, LongTextThroughASmallBuffer) {
  Stream s({"0123456789abcdef"});
  std::string text(10000, '0');
  EXPECT_FALSE(s.stream.append(text));
  s.stream.finish();
  EXPECT_EQ(s.text(), text);
}

} // namespace
