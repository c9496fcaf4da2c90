//===- TokenizerTest.cpp - text to ids and back ------------------------===//
//
// The oracle is a tokenizer of a few lines that searches for the best pair of the
// whole word each time. Everything runs on the vocabularies of Vocabulary.h.
//
//===----------------------------------------------------------------------===//
#include "Vocabulary.h"

#include "compiler/Import/Text/TokenizerBuilder.h"
#include "runtime/text/StreamDecoder.h"
#include "runtime/text/UTF8.h"
#include "runtime/text/WordScanner.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

using namespace nibble;
using rt::SpecialTokens;
using rt::TextError;

namespace {

/// A built tokenizer with buffers that fit what it is given.
struct Built {
  explicit Built(TokenizerSource given) : source(std::move(given)) {
    auto built = buildTokenizer(source);
    if (!built) {
      ADD_FAILURE() << llvm::toString(built.takeError());
      return;
    }
    table = std::move(*built);
    flatbuffers::Verifier verifier(table.data(), table.size());
    EXPECT_TRUE(verifier.VerifyBuffer<schema::Tokenizer>());
    EXPECT_EQ(rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer), TextError::None);
  }

  std::vector<int32_t> encode(std::string_view text, rt::EncodeOptions options = {},
                              TextError expected = TextError::None) const {
    std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(text.size()));
    std::vector<int32_t> ids(rt::Tokenizer::maxTokens(text.size()));
    size_t count = 0;
    EXPECT_EQ(tokenizer.encode(text, options, workspace, ids, count), expected);
    ids.resize(count);
    return ids;
  }

  std::string decode(const std::vector<int32_t> &ids, rt::DecodeOptions options = {}) const {
    std::string text(ids.size() * tokenizer.maxTokenBytes() + 1, '\0');
    size_t size = 0;
    EXPECT_EQ(tokenizer.decode(ids, options, text, size), TextError::None);
    text.resize(size);
    return text;
  }

  std::string stream(const std::vector<int32_t> &ids, rt::DecodeOptions options = {}) const {
    rt::StreamDecoder decoder(tokenizer, options);
    std::vector<char> part(decoder.maxOutput());
    std::string text;
    size_t size = 0;
    for (int32_t id : ids) {
      EXPECT_EQ(decoder.push(id, part, size), TextError::None);
      text.append(part.data(), size);
    }
    EXPECT_EQ(decoder.flush(part, size), TextError::None);
    return text.append(part.data(), size);
  }

  int32_t id(std::string_view bytes) const { return tokenizer.find(bytes); }

  TokenizerSource source;
  std::vector<uint8_t> table;
  rt::Tokenizer tokenizer;
};

/// Merges the best pair of neighbours until none merges; `rank` of the joined text, -1 = none.
template <typename Rank> std::vector<std::string> mergeNaively(std::vector<std::string> parts, Rank rank) {
  for (;;) {
    int best = -1;
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
      if (int r = rank(parts[i], parts[i + 1]); r >= 0 && (best < 0 || r < best)) {
        best = r;
        at = i;
      }
    if (best < 0)
      return parts;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
}

class ByteLevelOracle {
public:
  explicit ByteLevelOracle(const Built &built) : built(built) {
    const auto *merges = built.tokenizer.schemaTable().merges();
    for (unsigned i = 0; i < merges->size(); ++i) {
      const schema::Merge *merge = merges->Get(i);
      ranks.try_emplace({std::string(built.tokenizer.tokenBytes(int32_t(merge->left()))),
                         std::string(built.tokenizer.tokenBytes(int32_t(merge->right())))}, int(i));
    }
  }

  std::vector<int32_t> encode(std::string_view text) const {
    rt::WordScanner scanner(built.tokenizer.schemaTable(), text);
    std::vector<int32_t> ids;
    for (std::string_view word; scanner.next(word);) {
      std::vector<std::string> parts;
      for (char c : word)
        parts.emplace_back(1, c);
      for (const std::string &part : mergeNaively(parts, [&](const std::string &a, const std::string &b) {
             auto found = ranks.find({a, b});
             return found == ranks.end() ? -1 : found->second;
           }))
        ids.push_back(built.id(part));
    }
    return ids;
  }

private:
  const Built &built;
  std::map<std::pair<std::string, std::string>, int> ranks;
};

class SentencePieceOracle {
public:
  explicit SentencePieceOracle(const Built &built) : built(built) {
    for (size_t id = 0; id < built.source.tokens.size(); ++id)
      if (built.source.types[id] == int32_t(TokenType::Normal))
        ranks[std::string(built.tokenizer.tokenBytes(int32_t(id)))] = int(-built.source.scores[id]);
  }

  std::vector<int32_t> encode(std::string text) const {
    text = " " + text;
    std::vector<std::string> parts;
    for (size_t i = 0; i < text.size();) {
      size_t length = rt::decodeCharacter(text.data() + i, text.size() - i).length;
      parts.push_back(text.substr(i, length));
      i += length;
    }
    std::vector<int32_t> ids;
    for (const std::string &part : mergeNaively(parts, [&](const std::string &a, const std::string &b) {
           auto found = ranks.find(a + b);
           return found == ranks.end() ? -1 : found->second;
         })) {
      if (ranks.count(part))
        ids.push_back(built.id(part));
      else
        for (char c : part)
          ids.push_back(3 + static_cast<uint8_t>(c)); // the byte tokens follow <unk> <s> </s>
    }
    return ids;
  }

private:
  const Built &built;
  std::map<std::string, int> ranks;
};

std::string randomText(uint32_t seed, bool longRuns) {
  static const char *const pieces[] = {"the", " the", "he", "t", " ", "  ", "a", "aaa", "ab", "0", "\n", "quick",
                                       " fox",
                                       "\xC3\xA9", "\xE4\xB8\xAD", "\xF0\x9F\x98\x80", "\xFF", "\xC3", "\xE4\xB8",
                                       "'tis",
                                       "<|end|>", "<s>", "<tool>", "\xE2\x96\x81", "z", "."};
  std::mt19937 random(seed);
  std::string text;
  for (unsigned i = random() % 30; i > 0; --i) {
    std::string_view piece = pieces[random() % std::size(pieces)];
    for (unsigned n = longRuns ? random() % 60 : 1; n > 0; --n)
      text += piece;
  }
  return text;
}

TEST(Tokenizer, ByteLevelEqualsTheOracle) {
  Built built(test::byteLevelSource());
  ByteLevelOracle oracle(built);
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    std::string text = randomText(seed, seed % 8 == 0);
    EXPECT_EQ(built.encode(text, {SpecialTokens::None}), oracle.encode(text)) << "seed " << seed;
  }
}

TEST(Tokenizer, SentencePieceEqualsTheOracle) {
  Built built(test::sentencePieceSource());
  SentencePieceOracle oracle(built);
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    std::string text = randomText(seed, seed % 8 == 0);
    if (!text.empty())
      EXPECT_EQ(built.encode(text, {SpecialTokens::None}), oracle.encode(text)) << "seed " << seed;
  }
}

// Any bytes come back, at once and streamed.
TEST(Tokenizer, RoundTripsAnyBytes) {
  Built byteLevel(test::byteLevelSource()), sentencePiece(test::sentencePieceSource());
  for (uint32_t seed = 1; seed <= 600; ++seed) {
    std::mt19937 random(seed);
    std::string text = randomText(seed, false);
    for (unsigned i = random() % 20; i > 0; --i)
      text += static_cast<char>(random());
    for (const Built *built : {&byteLevel, &sentencePiece}) {
      std::vector<int32_t> ids = built->encode(text, {SpecialTokens::None});
      EXPECT_EQ(built->decode(ids), text) << "seed " << seed;
      EXPECT_EQ(built->stream(ids), text) << "seed " << seed;
    }
  }
}

TEST(Tokenizer, EncodesNothing) {
  for (const TokenizerSource &source : {test::byteLevelSource(), test::sentencePieceSource()}) {
    Built built(source);
    EXPECT_TRUE(built.encode("").empty());
    EXPECT_EQ(built.decode({}), "");
  }
}

TEST(Tokenizer, MatchesSpecialTokensOnlyWhenAsked) {
  Built built(test::byteLevelSource());
  int32_t end = built.id("<|end|>"), start = built.id("<|start|>"), tool = built.id("<tool>");
  ASSERT_TRUE(end >= 0 && start >= 0 && tool >= 0);
  std::string_view text = "<|start|>he<tool><|end|><|end";
  std::vector<int32_t> all = built.encode(text, {SpecialTokens::All});
  EXPECT_EQ(all[0], start);
  EXPECT_EQ(all[1], built.id("he"));
  EXPECT_EQ(all[2], tool);
  EXPECT_EQ(all[3], end);
  auto has = [](const std::vector<int32_t> &ids, int32_t id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::vector<int32_t> user = built.encode(text, {SpecialTokens::UserDefined});
  EXPECT_TRUE(has(user, tool) && !has(user, end) && !has(user, start));
  std::vector<int32_t> none = built.encode(text, {SpecialTokens::None});
  EXPECT_TRUE(!has(none, tool) && !has(none, end) && !has(none, start));
  EXPECT_EQ(built.decode(none), text);
  EXPECT_EQ(built.decode(all, {.control = true}), text);
  EXPECT_EQ(built.decode(all), "he<tool><|end");
}

// A control token counts only where it lies in the template altogether; words still merge across the border.
TEST(Tokenizer, TrustsOnlyTemplateSegments) {
  Built built(test::byteLevelSource());
  std::string text = "<|start|>t" "he<|end|>" "<|en" "d|>" "<|end|>";
  std::vector<rt::Segment> segments = {{10, true}, {19, false}, {23, true}, {26, false}, {33, true}};
  std::vector<int32_t> ids = built.encode(text, {SpecialTokens::All, false, segments});
  EXPECT_EQ(ids[0], built.id("<|start|>"));
  EXPECT_EQ(ids[1], built.id("the"));
  EXPECT_EQ(std::count(ids.begin(), ids.end(), built.id("<|end|>")), 1);
  EXPECT_EQ(ids.back(), built.id("<|end|>"));
  EXPECT_EQ(built.decode(ids, {.control = true}), text);
  // Template segments in a row are one text.
  std::vector<rt::Segment> split = {{4, true}, {9, true}};
  EXPECT_EQ(built.encode("<|start|>", {SpecialTokens::All, false, split}).size(), 1u);
}

// So it is with tokens that are recognised in normalized text, here behind a space that was put before the text.
TEST(Tokenizer, TrustsOnlyTemplateSegmentsBehindASpace) {
  TokenizerSource source = test::sentencePieceSource();
  source.matching.assign(source.tokens.size(), 4);
  Built built(source);
  for (bool first : {true, false})
    for (bool second : {true, false}) {
      std::vector<rt::Segment> segments = {{3, first}, {6, !second}, {10, second}};
      std::vector<int32_t> ids = built.encode("<s>the </s>", {SpecialTokens::All, false, segments});
      EXPECT_EQ(ids.front() == source.bos, first);
      segments[2].end = 11;
      ids = built.encode("<s>the </s>", {SpecialTokens::All, false, segments});
      EXPECT_EQ(ids.back() == source.eos, second);
    }
}

// The longest of the tokens that stand at a place is taken, not the first.
TEST(Tokenizer, TakesTheLongestSpecialToken) {
  TokenizerSource source = test::byteLevelSource();
  for (const char *name : {"<x", "<x><y>", "<x>"}) {
    source.tokens.push_back(name);
    source.types.push_back(int32_t(TokenType::UserDefined));
  }
  Built built(source);
  EXPECT_EQ(built.encode("<x><y>"), std::vector<int32_t>{built.id("<x><y>")});
  EXPECT_EQ(built.encode("<x><y")[0], built.id("<x>"));
  EXPECT_EQ(built.encode("<xy")[0], built.id("<x"));
}

TEST(Tokenizer, AddsBosAndEosByTheModelsRule) {
  TokenizerSource source = test::sentencePieceSource();
  Built built(source);
  std::vector<int32_t> ids = built.encode("the", {.addSpecial = true});
  EXPECT_EQ(ids, (std::vector<int32_t>{1, built.id(" the")}));
  EXPECT_EQ(built.decode(ids), "the");
  source.addBos = false;
  source.addEos = true;
  EXPECT_EQ(Built(source).encode("the", {.addSpecial = true}), (std::vector<int32_t>{built.id(" the"), 2}));
  source.addSpacePrefix = false;
  Built bare(source);
  EXPECT_EQ(bare.encode("the"), std::vector<int32_t>{bare.id("the")});
  EXPECT_EQ(bare.decode(bare.encode(" the")), " the");
}

// A byte-level vocabulary may lack bytes: the rest is encoded, and the loss is reported.
TEST(Tokenizer, ReportsBytesWithoutToken) {
  TokenizerSource source = test::byteLevelSource();
  source.types['z'] = int32_t(TokenType::Unused);
  Built built(source);
  EXPECT_EQ(built.decode(built.encode("azb", {}, TextError::UnknownBytes)), "ab");
}

TEST(Tokenizer, ReportsSmallBuffers) {
  Built built(test::byteLevelSource());
  std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(8));
  std::vector<int32_t> ids(2);
  size_t count = 0;
  EXPECT_EQ(built.tokenizer.encode("quick zz", {}, workspace, ids, count), TextError::OutputTooSmall);
  EXPECT_EQ(built.tokenizer.encode("quick zzz", {}, workspace, ids, count), TextError::WorkspaceTooSmall);
  std::vector<char> text(2);
  size_t size = 0;
  int32_t the[] = {built.id("the")}, bad[] = {-1};
  EXPECT_EQ(built.tokenizer.decode(the, {}, text, size), TextError::OutputTooSmall);
  EXPECT_EQ(built.tokenizer.decode(bad, {}, text, size), TextError::BadToken);
}

// A character is passed on when its last byte is there; bytes that can't become one pass at once.
TEST(StreamDecoder, HoldsBackUnfinishedCharacters) {
  Built built(test::byteLevelSource());
  auto byte = [&](int value) { return built.source.tokens.size() ? value : -1; }; // the first 256 ids are the bytes
  rt::StreamDecoder decoder(built.tokenizer, {});
  std::vector<char> part(decoder.maxOutput());
  auto push = [&](int value) {
    size_t size = 0;
    EXPECT_EQ(decoder.push(byte(value), part, size), TextError::None);
    return std::string(part.data(), size);
  };
  EXPECT_EQ(push(0xF0), "");
  EXPECT_EQ(push(0x9F), "");
  EXPECT_EQ(push(0x98), "");
  EXPECT_EQ(push(0x80), "\xF0\x9F\x98\x80");
  EXPECT_EQ(push(0xE4), "");
  EXPECT_EQ(push('a'), "\xE4" "a");
  EXPECT_EQ(push(0xFF), "\xFF");
  EXPECT_EQ(push(0xED), "");
  EXPECT_EQ(push(0xA0), "\xED\xA0"); // a surrogate is no character
  EXPECT_EQ(push(0xC3), "");
  size_t size = 0;
  EXPECT_EQ(decoder.flush(part, size), TextError::None);
  EXPECT_EQ(std::string(part.data(), size), "\xC3");
}

// A long run of one character is one word of as many symbols: work may grow with it by a logarithm more.
TEST(Tokenizer, StaysFastOnOneCharacter) {
  Built byteLevel(test::byteLevelSource()), sentencePiece(test::sentencePieceSource());
  for (std::string_view unit : {"a", " ", "0", "\n", "ab", "\xF0\x9F\x98\x80", "\xFF"}) {
    for (const Built *built : {&byteLevel, &sentencePiece}) {
      double work[2];
      for (size_t size : {4000, 400000}) {
        std::string text;
        while (text.size() < size)
          text += unit;
        size_t steps = 0;
        EXPECT_EQ(built->decode(built->encode(text, {.steps = &steps})), text);
        work[size == 400000] = double(steps) / double(text.size());
      }
      EXPECT_LT(work[1], 2 * work[0]) << "of '" << unit << "'";
    }
  }
}

TEST(Tokenizer, KnowsTheEndsOfGeneration) {
  Built built(test::byteLevelSource());
  EXPECT_TRUE(built.tokenizer.isEndOfGeneration(built.source.eos));
  EXPECT_FALSE(built.tokenizer.isEndOfGeneration(built.source.bos));
  EXPECT_TRUE(built.tokenizer.isControl(built.source.bos));
  EXPECT_FALSE(built.tokenizer.isControl(built.id("the")));
  EXPECT_FALSE(built.tokenizer.isToken(int32_t(built.source.tokens.size())));
  EXPECT_TRUE(built.tokenizer.tokenBytes(-1).empty());
}

} // namespace
