// The session: only what is new is evaluated, generation ends for the right reason, the history is the KV cache.
#include "runtime/core/Session.h"

#include "compiler/Import/Text/TokenizerBuilder.h"
#include "test/Runtime/FakeModel.h"
#include "test/Runtime/FakeTokenizer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

using namespace nibble;
using namespace nibble::rt;

namespace {

struct Chat {
  explicit Chat(size_t context = 40) {
    auto bytes = buildTokenizer(test::fakeTokenizer());
    EXPECT_TRUE(bool(bytes));
    table = *bytes;
    EXPECT_EQ(Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer), TextError::None);
    weights.vocab = tokenizer.vocabularySize();
    weights.context = int64_t(context);
    weights.chunk = 8;
    weights.eos = 2;
    state.resize(weights.stateBytes() / 8 + 1);
    arena.resize(test::FakeArenaBytes / 8);
    tokens.resize(8);
    logits.resize(size_t(weights.vocab));
    candidates.resize(logits.size());
    history.resize(context);
    EXPECT_EQ(team.start(1, nullptr), 1);
    engine.initialize({reinterpret_cast<uint8_t *>(arena.data()), reinterpret_cast<uint8_t *>(state.data()),
                       reinterpret_cast<const uint8_t *>(&weights), tokens, logits},
                      team, true);
    session.initialize(engine, tokenizer, history, &interrupt);
    SamplerOptions options;
    options.temperature = 0;
    sampler.initialize(options, candidates);
    stream.initialize(pending, stops, [](void *text, std::string_view piece) {
      static_cast<std::string *>(text)->append(piece);
    }, &text);
  }

  static std::vector<int32_t> ids(std::string_view letters) {
    std::vector<int32_t> result = {1};
    for (char c : letters)
      result.push_back(260 + (c - 'a'));
    return result;
  }
  StopReason generate(int64_t limit = -1) {
    GenerateOptions options;
    options.limit = limit;
    text.clear();
    stream.restart();
    return session.generate(sampler, stream, options);
  }

  std::vector<uint8_t> table;
  Tokenizer tokenizer;
  test::FakeWeights weights;
  std::vector<uint64_t> state, arena;
  std::vector<int32_t> tokens, history;
  std::vector<float> logits;
  std::vector<Candidate> candidates;
  std::atomic<bool> interrupt{false};
  char pending[TextStream::pendingBytes(64, 16)];
  std::vector<std::string_view> stops;
  std::string text;
  Team team;
  Engine engine;
  Session session;
  Sampler sampler;
  TextStream stream;

};

TEST(Session, EndsWithTheAnswer) {
  Chat chat;
  ASSERT_TRUE(chat.session.feed(Chat::ids("hellow")));
  EXPECT_EQ(chat.generate(), StopReason::EndOfGeneration);
  EXPECT_EQ(chat.text, "xyz");
  EXPECT_EQ(chat.session.history().size(), 7u + 3u); // </s> is not in the cache
  EXPECT_EQ(chat.session.timing().decodeTokens, 4u);
}

TEST(Session, EndsAtTheLimit) {
  Chat chat;
  ASSERT_TRUE(chat.session.feed(Chat::ids("a")));
  EXPECT_EQ(chat.generate(3), StopReason::Length);
  EXPECT_EQ(chat.text, "bcd");
  EXPECT_EQ(chat.session.history().size(), 2u + 2u); // d was sampled, not evaluated
  ASSERT_TRUE(chat.session.feed(Chat::ids("a")));
  EXPECT_EQ(chat.generate(0), StopReason::Length);
  EXPECT_EQ(chat.text, "");
}

TEST(Session, EndsAtAStopString) {
  Chat chat;
  chat.stops = {"jk"};
  chat.stream.initialize(chat.pending, chat.stops, [](void *text, std::string_view piece) {
    static_cast<std::string *>(text)->append(piece);
  }, &chat.text);
  ASSERT_TRUE(chat.session.feed(Chat::ids("f")));
  EXPECT_EQ(chat.generate(), StopReason::StopString);
  EXPECT_EQ(chat.text, "ghi");
}

TEST(Session, EndsWhenTheContextIsFull) {
  Chat chat(6);
  ASSERT_TRUE(chat.session.feed(Chat::ids("abc")));
  EXPECT_EQ(chat.generate(), StopReason::ContextFull);
  EXPECT_EQ(chat.text, "def"); // two positions, and the token behind the last one
  EXPECT_EQ(chat.session.history().size(), 6u);
  ASSERT_TRUE(chat.session.feed(Chat::ids("vwxyz"))); // exactly full
  EXPECT_EQ(chat.generate(5), StopReason::EndOfGeneration);
}

TEST(Session, TellsBrokenLogits) {
  Chat chat;
  chat.weights.broken = 1;
  ASSERT_TRUE(chat.session.feed(Chat::ids("abc")));
  EXPECT_EQ(chat.generate(), StopReason::NotANumber);
}

TEST(Session, AnInterruptEndsBothPhases) {
  Chat chat;
  chat.interrupt = true;
  EXPECT_FALSE(chat.session.feed(Chat::ids("abcdefghijklmnop")));
  EXPECT_EQ(chat.session.history().size(), 0u);
  chat.interrupt = false;
  ASSERT_TRUE(chat.session.feed(Chat::ids("abc")));
  chat.interrupt = true;
  EXPECT_EQ(chat.generate(), StopReason::Interrupted);
}

TEST(Session, EvaluatesOnlyWhatIsNew) {
  Chat chat;
  ASSERT_TRUE(chat.session.feed(Chat::ids("hellow")));
  chat.generate();
  // The next turn repeats question and answer.
  std::vector<int32_t> next = Chat::ids("hellowxyzagain");
  chat.session.timing() = {};
  ASSERT_TRUE(chat.session.feed(next));
  EXPECT_EQ(chat.session.timing().reusedTokens, 10u);
  EXPECT_EQ(chat.session.timing().prefillTokens, 5u);
  std::vector<float> reused = chat.logits;
  Chat fresh;
  ASSERT_TRUE(fresh.session.feed(next));
  EXPECT_EQ(fresh.logits, reused);
}

// What was written but not read is told, so that a saved text can go on with it.
TEST(Session, TellsThePendingToken) {
  Chat chat;
  ASSERT_TRUE(chat.session.feed(Chat::ids("a")));
  EXPECT_EQ(chat.generate(3), StopReason::Length);
  EXPECT_EQ(chat.session.pending(), 260 + ('d' - 'a'));
  EXPECT_EQ(chat.generate(0), StopReason::Length);
  EXPECT_EQ(chat.session.pending(), -1);
  ASSERT_TRUE(chat.session.feed(Chat::ids("hellow")));
  EXPECT_EQ(chat.generate(), StopReason::EndOfGeneration);
  EXPECT_EQ(chat.session.pending(), -1);
  Chat full(6);
  ASSERT_TRUE(full.session.feed(Chat::ids("abc")));
  EXPECT_EQ(full.generate(), StopReason::ContextFull);
  EXPECT_EQ(full.session.pending(), 260 + ('f' - 'a'));
}

TEST(Session, GoesOnFromARestoredCache) {
  Chat first, second;
  ASSERT_TRUE(first.session.feed(Chat::ids("abcdef")));
  std::span<const int32_t> history = first.session.history();
  std::copy(history.begin(), history.end(), second.session.historyBuffer().begin());
  second.state = first.state;
  second.session.restored(history.size(), first.session.written());
  ASSERT_TRUE(first.session.feed(Chat::ids("abcdefgh")));
  ASSERT_TRUE(second.session.feed(Chat::ids("abcdefgh")));
  EXPECT_EQ(second.session.timing().prefillTokens, 2u);
  EXPECT_EQ(first.logits, second.logits);
}

TEST(Session, ADifferentBeginningIsEvaluatedAgain) {
  Chat chat, fresh;
  ASSERT_TRUE(chat.session.feed(Chat::ids("abcdef")));
  ASSERT_TRUE(chat.session.feed(Chat::ids("abxdef")));
  EXPECT_EQ(chat.session.timing().reusedTokens, 3u);
  ASSERT_TRUE(fresh.session.feed(Chat::ids("abxdef")));
  EXPECT_EQ(fresh.logits, chat.logits);
}

/// Layers with a window hold the last positions only: not everything can be taken back.
TEST(Session, WhatTheCacheNoLongerHoldsIsEvaluatedAgain) {
  Chat chat;
  chat.session.limitRewind(2);
  ASSERT_TRUE(chat.session.feed(Chat::ids("abcdef")));
  ASSERT_TRUE(chat.session.feed(Chat::ids("abcdxy")));
  EXPECT_EQ(chat.session.timing().reusedTokens, 5u);
  // The cache was longer by two once: position 6 is gone from it, even if the text has become shorter.
  ASSERT_TRUE(chat.session.feed(Chat::ids("abcdx")));
  ASSERT_TRUE(chat.session.feed(Chat::ids("abcz")));
  EXPECT_EQ(chat.session.timing().reusedTokens, 5u + 6u - 1u);
  EXPECT_EQ(chat.session.timing().prefillTokens, 7u + 2u + 1u + 5u);
}

/// Room is made by feeding less; the answer goes on behind it.
TEST(Session, GoesOnWhereRoomIsMade) {
  Chat chat(6);
  ASSERT_TRUE(chat.session.feed(Chat::ids("abc")));
  GenerateOptions options;
  options.makeRoom = [](void *context) {
    Session &session = static_cast<Chat *>(context)->session;
    EXPECT_EQ(session.history().size(), 6u);
    std::vector<int32_t> kept = {session.history()[0], session.history()[4], session.history()[5]};
    return session.feed(kept);
  };
  options.roomContext = &chat;
  EXPECT_EQ(chat.session.generate(chat.sampler, chat.stream, options), StopReason::EndOfGeneration);
  EXPECT_EQ(chat.text, "defghijklmnopqrstuvwxyz");
}

TEST(Session, TheSamePromptGivesTheSameLogits) {
  Chat chat;
  ASSERT_TRUE(chat.session.feed(Chat::ids("abcdef")));
  std::vector<float> first = chat.logits;
  chat.generate();
  ASSERT_TRUE(chat.session.feed(Chat::ids("abcdef")));
  EXPECT_EQ(chat.logits, first);
}

} // namespace
