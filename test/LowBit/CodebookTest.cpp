//===- CodebookTest.cpp - lists of numbers and small floats --------------===//

#include "dialects/LowBit/Codebook.h"
#include "dialects/LowBit/Grids.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace nibble::lowbit;

static float level(const char *name, unsigned code) {
  return findCodebook(name)->levels[code];
}

/// The numbers at the ends of each small float's ranges, from its specification.
TEST(Codebook, smallFloats) {
  EXPECT_EQ(level("e2m1", 1), 0.5f);
  EXPECT_EQ(level("e2m1", 7), 6.0f);
  EXPECT_EQ(level("e2m1", 15), -6.0f);
  EXPECT_EQ(level("e2m3", 1), 0.125f);
  EXPECT_EQ(level("e2m3", 31), 7.5f);
  EXPECT_EQ(level("e3m2", 1), 0.0625f);
  EXPECT_EQ(level("e3m2", 31), 28.0f);
  EXPECT_EQ(level("e4m3", 1), 0x1p-9f);
  EXPECT_EQ(level("e4m3", 0x7e), 448.0f);
  EXPECT_TRUE(std::isnan(level("e4m3", 0xff)));
  EXPECT_EQ(level("e5m2", 1), 0x1p-16f);
  EXPECT_EQ(level("e5m2", 0x7b), 57344.0f);
  EXPECT_EQ(level("e5m2", 0xfc), -INFINITY);
  EXPECT_TRUE(std::isnan(level("e5m2", 0x7d)));
}

/// Lists of small multiples of a power of two are integers with the largest one.
TEST(Codebook, integers) {
  const Codebook &small = *findCodebook("e2m1");
  EXPECT_EQ(small.unit, 1u);
  EXPECT_EQ(small.integers[15], -12);
  EXPECT_EQ(findCodebook("e2m3")->unit, 3u);
  EXPECT_EQ(findCodebook("iq2")->integers[6], -43);
  EXPECT_EQ(level("iq2", 6), -5.375f);
  for (const char *name : {"e3m2", "e4m3", "e5m2", "nf4"})
    EXPECT_FALSE(findCodebook(name)->isInteger()) << name;
  EXPECT_FALSE(getCodebook({0, 128})->isInteger());
  EXPECT_FALSE(getCodebook({0, 0x1p-8f})->isInteger());
}

TEST(Codebook, uniqued) {
  const Codebook *book = getCodebook({1, 2, 3, 0.7f});
  EXPECT_EQ(book, getCodebook({1, 2, 3, 0.7f}));
  EXPECT_NE(book, getCodebook({1, 2, 3, 0.8f}));
  EXPECT_EQ(book->width, 2u);
  EXPECT_EQ(findCodebook("iq4"), getCodebook(findCodebook("iq4")->levels));
  EXPECT_EQ(findCodebook("iq5"), nullptr);
  EXPECT_TRUE(findCodebook("e4m3")->contains(*findCodebook("e2m1")));
  EXPECT_FALSE(findCodebook("e2m1")->contains(*findCodebook("e2m3")));
}

/// Digits of all grids are numbers of their codebooks.
TEST(Codebook, grids) {
  const std::pair<const char *, size_t> sizes[] = {
      {"iq2xxs", 256}, {"iq2xs", 512}, {"iq2s", 1024},
      {"iq3xxs", 256}, {"iq3s", 512},  {"iq1s", 2048}};
  for (auto [name, size] : sizes) {
    const Grid *grid = findGrid(name);
    ASSERT_NE(grid, nullptr) << name;
    EXPECT_EQ(grid->vectors.size(), size);
    EXPECT_EQ(grid->codebook->width, grid->digitBits + 1);
    EXPECT_TRUE(grid->codebook->isInteger());
    for (unsigned index = 0; index < size; ++index)
      for (unsigned element = 0; element < grid->dimension; ++element) {
        unsigned digit = grid->spread(index) >> (8 * element) & 0xff;
        ASSERT_NE(grid->codebook->integers[digit], 0) << name << " " << index;
      }
  }
  EXPECT_EQ(findGrid("iq9"), nullptr);
}
