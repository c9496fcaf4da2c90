// exp and log against the C library: the stated relative error of 1e-15.
#include "runtime/core/Numeric.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace nibble::rt;

TEST(Numeric, Exponential) {
  for (double x = -690; x < 690; x += 0.37)
    EXPECT_NEAR(exponential(x) / std::exp(x), 1, 1e-15) << x;
  EXPECT_EQ(exponential(0), 1);
  EXPECT_EQ(exponential(-1e9), 0);
  EXPECT_EQ(exponential(-INFINITY), 0);
  EXPECT_EQ(exponential(NAN), 0);
}

TEST(Numeric, Logarithm) {
  for (double x = 1e-300; x < 1e300; x *= 1.7) {
    double expected = std::log(x);
    EXPECT_NEAR(logarithm(x), expected, 1e-15 * std::max(1.0, std::abs(expected))) << x;
  }
  EXPECT_EQ(logarithm(1), 0);
}
