//===- WeightTest.cpp - weights as the oracle reads them -----------------===//

#include "test/Reference/TestModule.h"

#include <cmath>

using namespace nibble;
using namespace nibble::reference;

/// Two sources are rows one after the other.
TEST(ReferenceWeight, rowsOfSourcesFollowEachOther) {
  TestModule test;
  std::string first = test.floats({1, 2, 3, 4}), second = test.floats({5, 6});
  auto weight = test.weight("tensor<3x2xf32>", first + ", " + second);
  ASSERT_TRUE(weight) << test.messages;
  EXPECT_EQ(weight->rows(), 3);
  EXPECT_EQ(weight->columns(), 2);
  EXPECT_EQ(weight->decodeAll(), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

/// A vector is rows of one value, so that joined biases work, too.
TEST(ReferenceWeight, vectors) {
  TestModule test;
  std::string first = test.floats({1, 2}), second = test.floats({3});
  auto weight = test.weight("tensor<3xf32>", first + ", " + second);
  ASSERT_TRUE(weight) << test.messages;
  EXPECT_EQ(weight->decodeAll(), (std::vector<double>{1, 2, 3}));
}

/// Q4_1 with d = 0.5, m = -1 and the code of column k = k % 16.
TEST(ReferenceWeight, lowBit) {
  TestModule test;
  std::vector<uint8_t> block = {0x00, 0x38, 0x00, 0xbc};
  for (unsigned code = 0; code < 16; ++code)
    block.push_back(uint8_t(code | code << 4));
  std::string source = test.bytes(block, "q4_1");
  auto weight = test.weight(
      "tensor<1x32x!lowbit.block<u4, 32, f16, min = f16>>", source);
  ASSERT_TRUE(weight) << test.messages;
  std::vector<double> values = weight->decodeAll();
  for (int column = 0; column < 32; ++column)
    EXPECT_EQ(values[column], column % 16 * 0.5 - 1);
}

/// Row j holds cos and sin of j, row 64 + b of 64·b, for the frequency 1.
TEST(ReferenceWeight, ropeTable) {
  TestModule test;
  auto weight = test.weight(
      "tensor<66x1x2xf32>",
      "#lm.rope_table<base = 1.0e+04 : f64, dims = 2, scaling = \"none\">");
  ASSERT_TRUE(weight) << test.messages;
  double row[2];
  weight->decodeRow(3, row);
  EXPECT_NEAR(row[0], std::cos(3.0), 1e-7);
  weight->decodeRow(65, row);
  EXPECT_NEAR(row[1], std::sin(64.0), 1e-7);
}

TEST(ReferenceWeight, refusals) {
  auto message = [](const std::string &type, auto source) {
    TestModule test;
    EXPECT_FALSE(test.weight(type, source(test)));
    return test.messages;
  };
  auto two = [](TestModule &test) { return test.floats({1, 2}); };
  EXPECT_EQ(message("tensor<2x2xf32>", two),
            "the sources hold 1 rows, the weight has 2");
  EXPECT_EQ(message("tensor<1x3xf32>", two),
            "8 bytes of f32 are not whole rows of 3 values");
  EXPECT_EQ(message("tensor<1x2xf16>", two),
            "a source in f32 does not hold the elements of the weight's type");
  EXPECT_EQ(message("tensor<1x2xf32>",
                    [](TestModule &test) {
                      return test.bytes({0, 0}, "q9_9");
                    }),
            "the format table has no row 'q9_9'");
  EXPECT_NE(message("tensor<1x2xf32>",
                    [](TestModule &test) {
                      return "#lm.source<\"" + test.path +
                             "\", 4, 8, \"f32\">";
                    })
                .find("bytes 4 to 12 are past the end of the file at 0"),
            std::string::npos);
  EXPECT_NE(message("tensor<1x2xf32>",
                    [](TestModule &test) {
                      return "#lm.source<\"" + test.path +
                             ".none\", 0, 8, \"f32\">";
                    }),
            "");
  EXPECT_EQ(message("tensor<66x2x2xf32>",
                    [](TestModule &) {
                      return "#lm.rope_table<base = 1.0e+04 : f64, dims = 2, "
                             "scaling = \"none\">";
                    }),
            "a table of 2 rotated dimensions has no rows of 4 values");
  EXPECT_NE(message("tensor<256xi8, #mpgemm.layout<element = f32, n = 16, "
                    "k = 4, nr = 16, kr = 1, bias = 0>>",
                    two)
                .find("run it on a module from before phase tile"),
            std::string::npos);
}
