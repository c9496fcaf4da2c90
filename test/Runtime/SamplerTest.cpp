// The sampler: order of the cuts, ties, penalties, distribution, reproducibility.
#include "runtime/core/Sampler.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <vector>

using namespace nibble::rt;

namespace {

struct Fixture {
  explicit Fixture(SamplerOptions options, size_t vocab = 1000) : buffer(vocab) { sampler.initialize(options, buffer); }

  int32_t sample(std::vector<float> logits, std::vector<int32_t> recent = {}) { return sampler.sample(logits, recent); }

  std::map<int32_t, int> histogram(const std::vector<float> &logits, int draws) {
    std::map<int32_t, int> counts;
    for (int i = 0; i < draws; ++i)
      ++counts[sample(logits)];
    return counts;
  }

  std::vector<Candidate> buffer;
  Sampler sampler;
};

SamplerOptions plain() {
  SamplerOptions options;
  options.temperature = 1;
  options.topK = 0;
  options.topP = 1;
  options.minP = 0;
  options.seed = 42;
  return options;
}

/// Logits of the given probabilities.
std::vector<float> logitsOf(std::vector<double> probabilities) {
  std::vector<float> logits;
  for (double p : probabilities)
    logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

TEST(Sampler, GreedyTakesTheFirstOfTheHighest) {
  SamplerOptions options = plain();
  options.temperature = 0;
  Fixture f(options);
  EXPECT_EQ(f.sample({1, 5, 3, 5}), 1);
  EXPECT_EQ(f.sample({-INFINITY, -7, -8}), 1);
  EXPECT_EQ(f.sample({NAN, 2, NAN}), 1);
}

TEST(Sampler, NoNumberIsTold) {
  SamplerOptions options = plain();
  EXPECT_EQ(Fixture(options).sample({NAN, NAN}), -1);
  options.temperature = 0;
  EXPECT_EQ(Fixture(options).sample({NAN, -INFINITY}), -1);
}

TEST(Sampler, FollowsTheDistribution) {
  std::vector<double> p = {0.5, 0.3, 0.15, 0.05};
  Fixture f(plain());
  const int draws = 40000;
  auto counts = f.histogram(logitsOf(p), draws);
  for (size_t i = 0; i < p.size(); ++i) // five standard deviations
    EXPECT_NEAR(counts[int(i)], draws * p[i], 5 * std::sqrt(draws * p[i] * (1 - p[i]))) << i;
}

TEST(Sampler, TemperatureSharpens) {
  SamplerOptions options = plain();
  options.temperature = 0.5f; // squares the probabilities: 0.8^2 / (0.8^2 + 0.2^2)
  Fixture f(options);
  const int draws = 40000;
  double expected = 0.64 / 0.68;
  EXPECT_NEAR(f.histogram(logitsOf({0.2, 0.8}), draws)[1], draws * expected,
              5 * std::sqrt(draws * expected * (1 - expected)));
}

TEST(Sampler, TopKKeepsTheBest) {
  SamplerOptions options = plain();
  options.topK = 3;
  std::vector<float> logits(1000, 0.0f);
  logits[7] = logits[700] = 1;
  logits[999] = 0.5f;
  Fixture f(options);
  auto counts = f.histogram(logits, 2000);
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_TRUE(counts.count(7) && counts.count(700) && counts.count(999));
  options.topK = 1;
  EXPECT_EQ(Fixture(options).sample(logits), 7); // the lower id among equals
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReaches) {
  SamplerOptions options = plain();
  options.topP = 0.75f;
  Fixture f(options); // 0.5 + 0.3 reach 0.75, 0.5 does not
  auto counts = f.histogram(logitsOf({0.05, 0.5, 0.15, 0.3}), 4000);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_TRUE(counts.count(1) && counts.count(3));
  options.topP = 0; // at least one
  EXPECT_EQ(Fixture(options).histogram(logitsOf({0.4, 0.6}), 100).size(), 1u);
}

TEST(Sampler, MinPIsRelativeToTheBest) {
  for (int topK : {0, 10}) { // with and without an order
    SamplerOptions options = plain();
    options.minP = 0.25f;
    options.topK = topK;
    Fixture f(options);
    auto counts = f.histogram(logitsOf({0.1, 0.5, 0.13, 0.27}), 4000); // the bound is 0.125
    EXPECT_EQ(counts.size(), 3u) << topK;
    EXPECT_FALSE(counts.count(0)) << topK;
  }
}

TEST(Sampler, CutsComeBeforeTheTemperature) {
  // At temperature 100 the two tokens would be equal and min-p would keep both; before it, it drops the second.
  SamplerOptions options = plain();
  options.temperature = 100;
  options.minP = 0.5f;
  EXPECT_EQ(Fixture(options).histogram(logitsOf({0.8, 0.2}), 1000).size(), 1u);
}

TEST(Sampler, RepeatPenaltyCountsATokenOnce) {
  SamplerOptions options = plain();
  options.temperature = 0;
  options.repeatPenalty = 2;
  Fixture f(options);
  EXPECT_EQ(f.sample({4, 3}, {0, 0, 0}), 1);     // 4/2 < 3
  EXPECT_EQ(f.sample({4, 1.5f}, {0, 0, 0}), 0);  // once, not three times
  EXPECT_EQ(f.sample({-1, -1.5f}, {0}), 1);      // a negative logit moves down
  EXPECT_EQ(f.sample({4, 3}, {99999, -1}), 0);   // ids that are none
}

TEST(Sampler, RepeatPenaltyForgets) {
  SamplerOptions options = plain();
  options.temperature = 0;
  options.repeatPenalty = 2;
  options.repeatLast = 2;
  EXPECT_EQ(Fixture(options).sample({4, 3, 0}, {0, 2, 2}), 0);
  EXPECT_EQ(Fixture(options).sample({4, 3, 0}, {2, 0, 2}), 1);
}

TEST(Sampler, SameSeedSameIds) {
  SamplerOptions options = plain();
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = std::sin(float(i));
  auto draw = [&](uint64_t seed) {
    options.seed = seed;
    Fixture f(options);
    std::vector<int32_t> ids;
    for (int i = 0; i < 20; ++i)
      ids.push_back(f.sample(logits));
    return ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

// PCG32 with seed 42 and the stream of the constructor: the numbers that "seed" promises to users.
TEST(Random, NumbersNeverChange) {
  Random random(42);
  uint32_t first[3] = {random.next(), random.next(), random.next()};
  Random again(42);
  for (uint32_t value : first)
    EXPECT_EQ(again.next(), value);
  EXPECT_NE(Random(43).next(), first[0]);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
}

} // namespace
