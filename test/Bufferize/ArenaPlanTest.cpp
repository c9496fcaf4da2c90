//===- ArenaPlanTest.cpp - the arena's plan, by its definition -------------===//
//
// Random lives with a printed seed: what a plan must be is checked directly, what it should be against the lower bound.
//
//===----------------------------------------------------------------------===//
#include "compiler/Bufferize/ArenaPlan.h"

#include "gtest/gtest.h"

#include <random>
#include <vector>

using namespace nibble;

namespace {

constexpr int64_t kAlignment = 64;

bool liveTogether(const LiveRange &a, const LiveRange &b) {
  for (const Life &x : a.lives)
    for (const Life &y : b.lives)
      if (x.begin <= y.end && y.begin <= x.end)
        return true;
  return false;
}

/// Every rule of a plan: aligned, inside the arena, apart while both live.
void expectValid(const std::vector<LiveRange> &ranges, int64_t total, int64_t alignment) {
  for (size_t i = 0; i < ranges.size(); ++i) {
    const LiveRange &a = ranges[i];
    EXPECT_GE(a.offset, 0);
    EXPECT_EQ(a.offset % alignment, 0) << "range " << i;
    EXPECT_LE(a.offset + a.size, total) << "range " << i;
    for (size_t j = 0; j < i; ++j) {
      const LiveRange &b = ranges[j];
      bool apart = a.offset + a.size <= b.offset || b.offset + b.size <= a.offset;
      EXPECT_TRUE(apart || !liveTogether(a, b) || a.size == 0 || b.size == 0) << "ranges " << j << " and " << i;
    }
  }
}

std::vector<LiveRange> randomRanges(std::mt19937_64 &random) {
  auto below = [&](uint64_t bound) { return static_cast<int64_t>(random() % bound); };
  std::vector<LiveRange> ranges(static_cast<size_t>(below(80)));
  int64_t length = 1 + below(100), longest = 1 + below(30), largest = 1 + below(20000);
  for (LiveRange &range : ranges) {
    int64_t begin = below(static_cast<uint64_t>(length));
    range = {below(static_cast<uint64_t>(largest)), begin, begin + below(static_cast<uint64_t>(longest))};
    if (below(8) == 0) { // a second life behind the first
      int64_t again = range.lives[0].end + 1 + below(10);
      range.lives.push_back({again, again + below(5)});
    }
  }
  return ranges;
}

TEST(ArenaPlan, RandomLives) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<LiveRange> ranges = randomRanges(random);
    for (int64_t alignment : {int64_t(1), kAlignment}) {
      int64_t total = planArena(ranges, alignment);
      expectValid(ranges, total, alignment);
      EXPECT_EQ(total % alignment, 0);
      EXPECT_GE(total, arenaLowerBound(ranges));
      if (HasFailure())
        return;
    }
  }
}

TEST(ArenaPlan, SamePlanTwice) {
  std::mt19937_64 random(7);
  std::vector<LiveRange> first = randomRanges(random), second = first;
  EXPECT_EQ(planArena(first, kAlignment), planArena(second, kAlignment));
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(first[i].offset, second[i].offset);
}

// In a chain each value lives until the next is made, so two are live at once and places alternate.
TEST(ArenaPlan, ChainsOfEqualSizesReachTheBound) {
  std::vector<LiveRange> ranges;
  for (int64_t i = 0; i < 60; ++i)
    ranges.push_back({2304, i, i + 1});
  EXPECT_EQ(planArena(ranges, kAlignment), 2 * 2304);
}

// With sizes in any order a value that fits neither side of a larger neighbour would go on top; from the bottom alone
// the worst of these seeds is 44 % over the bound.
TEST(ArenaPlan, ChainsOfRandomSizesReachTheBound) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<LiveRange> ranges;
    for (int64_t i = 0; i < 60; ++i)
      ranges.push_back({kAlignment * static_cast<int64_t>(1 + random() % 300), i, i + 1});
    int64_t total = planArena(ranges, kAlignment);
    expectValid(ranges, total, kAlignment);
    EXPECT_EQ(total, arenaLowerBound(ranges, kAlignment));
  }
}

// A chain of random sizes beside values that live on for a while. No plan may reach the bound here, but it is near.
TEST(ArenaPlan, ChainsWithResidualsStayNearTheBound) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<LiveRange> ranges;
    for (int64_t i = 0; i < 40; ++i) {
      ranges.push_back({kAlignment * static_cast<int64_t>(1 + random() % 100), i, i + 1});
      if (random() % 4 == 0)
        ranges.push_back(
            {kAlignment * static_cast<int64_t>(1 + random() % 30), i, i + 2 + static_cast<int64_t>(random() % 8)});
    }
    int64_t total = planArena(ranges, kAlignment), bound = arenaLowerBound(ranges, kAlignment);
    expectValid(ranges, total, kAlignment);
    EXPECT_LE(total * 100, bound * 103);
  }
}

// What two functions need that are called in turns may lie in one place, and beside what the caller keeps meanwhile.
TEST(ArenaPlan, SeveralLives) {
  std::vector<LiveRange> ranges = {{1000, 1, 1}, {800, 2, 2}, {100, 0, 2}};
  ranges[0].lives.push_back({3, 3});
  ranges[1].lives.push_back({4, 4});
  EXPECT_EQ(arenaLowerBound(ranges), 1100);
  EXPECT_EQ(planArena(ranges, 1), 1100);
  expectValid(ranges, 1100, 1);
}

// A transformer's layer: its input and its output have places of their own, the first sum lives on beside a chain.
TEST(ArenaPlan, LayerOfAModelReachesTheBound) {
  std::vector<LiveRange> ranges = {
      {2304, 1, 2},  // norm
      {3840, 2, 5},  // query, key, value
      {2304, 3, 5},  // rotated query
      {2304, 5, 6},  // attention
      {2304, 6, 10}, // input + projection
      {2304, 7, 8},  // norm
      {12288, 8, 9}, // gate and up
      {6144, 9, 10}, // their product
  };
  int64_t total = planArena(ranges, kAlignment);
  expectValid(ranges, total, kAlignment);
  EXPECT_EQ(total, arenaLowerBound(ranges));
}

TEST(ArenaPlan, EndsAreInclusive) {
  // The second is made by the operation that reads the first: they must not share.
  std::vector<LiveRange> ranges = {{64, 0, 1}, {64, 1, 2}, {64, 2, 3}};
  EXPECT_EQ(planArena(ranges, kAlignment), 128);
  EXPECT_NE(ranges[0].offset, ranges[1].offset);
  EXPECT_EQ(ranges[0].offset, ranges[2].offset);
}

TEST(ArenaPlan, FillsGaps) {
  // Between two large values that live on is the place of one that died; a small one takes it.
  std::vector<LiveRange> ranges = {{300, 0, 9}, {200, 0, 1}, {200, 1, 9}, {100, 3, 4}};
  EXPECT_EQ(planArena(ranges, kAlignment), 320 + 256 + 256);
  EXPECT_EQ(ranges[3].offset, ranges[1].offset);
}

TEST(ArenaPlan, NothingNeedsNothing) {
  std::vector<LiveRange> none;
  EXPECT_EQ(planArena(none, kAlignment), 0);
  EXPECT_EQ(arenaLowerBound(none), 0);
}

TEST(ArenaPlan, LowerBoundIsTheLargestSum) {
  std::vector<LiveRange> ranges = {{10, 0, 2}, {20, 1, 3}, {40, 3, 5}, {5, 5, 5}};
  EXPECT_EQ(arenaLowerBound(ranges), 60);
}

} // namespace
