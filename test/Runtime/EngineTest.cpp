// The engine against the fake model, whose logits depend on every token from position 0 on: chunks, threads and entries
// must not matter.
#include "runtime/core/Engine.h"

#include "test/Runtime/FakeModel.h"

#include <gtest/gtest.h>
#include <numeric>
#include <sys/mman.h>
#include <vector>

using namespace nibble;
using namespace nibble::rt;

namespace {

struct Model {
  Model(int threads, int64_t chunk, bool usePrefill) {
    weights.vocab = 50;
    weights.context = 40;
    weights.chunk = chunk;
    weights.eos = 2;
    state.resize(weights.stateBytes() / 8 + 1);
    arena.resize(test::FakeArenaBytes / 8);
    tokens.resize(size_t(chunk));
    logits.resize(50);
    size_t bytes = MaxThreads * ThreadStackBytes;
    void *stacks = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_EQ(team.start(threads, static_cast<uint8_t *>(stacks)), threads);
    engine.initialize({reinterpret_cast<uint8_t *>(arena.data()), reinterpret_cast<uint8_t *>(state.data()),
                       reinterpret_cast<const uint8_t *>(&weights), tokens, logits},
                      team, usePrefill);
  }
  ~Model() { team.stop(); }

  std::vector<float> evaluate(std::vector<int32_t> ids, int64_t pos = 0) {
    EXPECT_EQ(engine.evaluate(ids, pos), ids.size());
    return logits;
  }

  test::FakeWeights weights;
  std::vector<uint64_t> state, arena;
  std::vector<int32_t> tokens;
  std::vector<float> logits;
  Team team;
  Engine engine;
};

std::vector<int32_t> someIds(size_t count) {
  std::vector<int32_t> ids(count);
  for (size_t i = 0; i < count; ++i)
    ids[i] = int32_t(i * i * 7 % 50);
  return ids;
}

TEST(Engine, ChunksThreadsAndEntriesDoNotMatter) {
  for (size_t count : {1u, 2u, 7u, 8u, 9u, 16u, 17u, 40u}) {
    std::vector<float> expected = Model(1, 8, /*usePrefill=*/false).evaluate(someIds(count));
    for (int threads : {1, 2, 5})
      for (int64_t chunk : {1, 2, 8, 40})
        EXPECT_EQ(Model(threads, chunk, true).evaluate(someIds(count)), expected)
            << count << " " << threads << " " << chunk;
  }
}

TEST(Engine, GoesOnFromAPosition) {
  Model model(2, 8, true);
  std::vector<int32_t> ids = someIds(30);
  std::vector<float> expected = model.evaluate(ids);
  model.evaluate({ids.begin(), ids.begin() + 11});
  EXPECT_EQ(model.evaluate({ids.begin() + 11, ids.end()}, 11), expected);
  EXPECT_NE(model.evaluate({ids.begin() + 11, ids.end()}, 10), expected);
}

TEST(Engine, RowsAreThoseOfSingleSteps) {
  for (bool usePrefill : {false, true}) {
    Model rows(2, 8, usePrefill), steps(1, 8, false);
    std::vector<int32_t> ids = someIds(21);
    struct Seen {
      Model &model;
      std::vector<std::pair<size_t, std::vector<float>>> rows;
    } seen{rows, {}};
    rows.engine.evaluateRows(ids, 0, 5, [](void *context, size_t index) {
      auto &s = *static_cast<Seen *>(context);
      s.rows.emplace_back(index, s.model.logits);
    }, &seen);
    ASSERT_EQ(seen.rows.size(), 16u);
    for (size_t i = 0; i < ids.size(); ++i) {
      std::vector<float> expected = steps.evaluate({ids[i]}, int64_t(i));
      if (i >= 5) {
        EXPECT_EQ(seen.rows[i - 5].first, i);
        EXPECT_EQ(seen.rows[i - 5].second, expected) << i;
      }
    }
  }
}

TEST(Engine, AnInterruptEndsBetweenChunks) {
  Model model(1, 8, true);
  std::atomic<bool> interrupt{true};
  EXPECT_EQ(model.engine.evaluate(someIds(20), 0, &interrupt), 0u);
}

} // namespace
