//===- PanelLayoutTest.cpp - offsets of the packed layout ----------------===//

#include "dialects/MPGEMM/PanelLayout.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

using namespace nibble;
using namespace nibble::mpgemm;

/// The numbers of the header's drawing, for the formats in use.
TEST(PanelLayout, sizes) {
  PanelLayout q4_0{.n = 20, .k = 64, .codeBits = 4, .group = 32};
  ASSERT_EQ(q4_0.check(), nullptr);
  EXPECT_EQ(q4_0.recordBytes(), 16 * 2 + 16 * 16);
  EXPECT_EQ(q4_0.panels(), 2);
  EXPECT_EQ(q4_0.totalBytes(), 2 * 2 * 288);

  PanelLayout q4_k{.n = 16, .k = 512, .codeBits = 4, .group = 32,
                   .superGroup = 256, .hasMin = true};
  ASSERT_EQ(q4_k.check(), nullptr);
  EXPECT_EQ(q4_k.minOffset(), 32);
  EXPECT_EQ(q4_k.subScaleOffset(), 64);
  EXPECT_EQ(q4_k.subMinOffset(), 64 + 16);
  EXPECT_EQ(q4_k.codesOffset(), 64 + 2 * 16);
  EXPECT_EQ(q4_k.subScaleOffset(3, 5), 64 + 3 * (2 * 16 + 256) + 5);
  EXPECT_EQ(q4_k.unitOffset(3), q4_k.codesOffset() + 3 * (2 * 16 + 256));
  EXPECT_EQ(q4_k.panelBytes(), 2 * (64 + 256 + 2048));

  PanelLayout q6_k{.n = 16, .k = 256, .codeBits = 6, .group = 16,
                   .superGroup = 256};
  ASSERT_EQ(q6_k.check(), nullptr);
  EXPECT_EQ(q6_k.codesOffset(), 32 + 2 * 16);
  EXPECT_EQ(q6_k.subScaleOffset(3), 32 + (2 * 16 + 32 * 16 * 6 / 8) + 16);
  EXPECT_EQ(q6_k.runsPerUnit(), 2);
  ASSERT_EQ(q6_k.planes().size(), 2u);
  EXPECT_EQ(q6_k.planes()[0].width, 4u);
  EXPECT_EQ(q6_k.planes()[1].firstBit, 4u);
  EXPECT_EQ(q6_k.vectorsOf(q6_k.planes()[1]), 2);
  EXPECT_EQ(q6_k.vectorOffset(q6_k.planes()[1], 1), 4 * 64 + 64);

  PanelLayout f16{.n = 17, .k = 3, .kr = 1, .element = FloatKind::F16};
  ASSERT_EQ(f16.check(), nullptr);
  EXPECT_EQ(f16.elementOffset(2, 5), (2 * 16 + 5) * 2);
  EXPECT_EQ(f16.totalBytes(), 2 * 3 * 16 * 2);
}

/// Quads in ascending order: fields of a vector are a plane's length apart.
TEST(PanelLayout, quads) {
  PanelLayout layout{.n = 16, .k = 32, .codeBits = 4, .group = 32};
  BitPlane nibbles = layout.planes()[0];
  auto at = [&](int64_t column, int64_t r) {
    CodeLocation place = layout.locate(nibbles, column, r);
    return std::pair(place.offset, place.shift);
  };
  EXPECT_EQ(at(0, 0), std::pair(int64_t(0), 0u));
  EXPECT_EQ(at(3, 2), std::pair(int64_t(11), 0u));
  EXPECT_EQ(at(4, 0), std::pair(int64_t(64), 0u));   // quad 1: vector 1
  EXPECT_EQ(at(16, 0), std::pair(int64_t(0), 4u));   // quad 4: vector 0, high
  EXPECT_EQ(at(31, 15), std::pair(int64_t(3 * 64 + 63), 4u));
}

/// The numbers of LookupLayout.h's drawing: the codes 01, 11, 00, 10 of columns 4 … 7 of row 17.
TEST(PanelLayout, indices) {
  PanelLayout layout{.n = 32, .k = 64, .nr = 32, .kr = 8, .codeBits = 2, .group = 32, .lookup = true};
  ASSERT_EQ(layout.check(), nullptr);
  EXPECT_EQ(layout.vectorBytes(), 32);
  EXPECT_EQ(layout.unitBytes(), 32 * 32 * 2 / 8);
  ASSERT_EQ(layout.planes().size(), 2u);
  for (unsigned bit : {0u, 1u})
    for (int64_t column = 4; column < 8; ++column) {
      CodeLocation place = layout.locate(layout.planes()[bit], column, 17);
      EXPECT_EQ(place.offset, 32 * bit + 16 + 1); // the vector of the bit, the second quad, row 17 with row 1
      EXPECT_EQ(place.shift, 4 + unsigned(column - 4));
    }
  EXPECT_EQ(layout.locate(layout.planes()[0], 8, 0).offset, 64); // both bits of the first vector lie before it
  PanelLayout wide{.n = 1, .k = 32, .nr = 32, .kr = 4, .codeBits = 5, .group = 32, .lookup = true};
  EXPECT_STREQ(wide.check(), "only codes of up to 4 bits are looked up");
}

/// Every bit of a record belongs to exactly one scale, minimum or code.
TEST(PanelLayout, everyBitOnce) {
  int checked = 0;
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (int64_t group : {8, 16, 32, 64, 128})
      for (int64_t super : {0, 256})
        for (bool hasMin : {false, true})
          for (int64_t kr : {1, 2, 4, 8, -4, -8, -16}) { // below 0: looked up
            PanelLayout layout{.n = 8, .k = 512, .nr = kr < 0 ? 32 : 4,
                               .kr = std::abs(kr), .codeBits = bits,
                               .group = group, .superGroup = super,
                               .hasMin = hasMin, .lookup = kr < 0};
            if (layout.check())
              continue;
            ++checked;
            std::vector<int> uses(layout.recordBytes() * 8);
            auto use = [&](int64_t byte, unsigned shift, unsigned width) {
              for (unsigned bit = 0; bit < width; ++bit)
                ++uses.at(byte * 8 + shift + bit);
            };
            for (int64_t r = 0; r < layout.nr; ++r) {
              for (int64_t s = 0; s < layout.scalesPerRecord(); ++s) {
                use(layout.scaleOffset(s, r), 0, 16);
                if (hasMin)
                  use(layout.minOffset(s, r), 0, 16);
              }
              for (int64_t run = 0; super && run < layout.runsPerRecord(); ++run) {
                use(layout.subScaleOffset(run, r), 0, 8);
                if (hasMin)
                  use(layout.subMinOffset(run, r), 0, 8);
              }
              for (int64_t unit = 0; unit < layout.unitsPerRecord(); ++unit)
                for (int64_t c = 0; c < layout.unitSpan(); ++c)
                  for (BitPlane plane : layout.planes()) {
                    CodeLocation place = layout.locate(plane, c, r);
                    use(layout.unitOffset(unit) + place.offset, place.shift,
                        plane.width);
                  }
            }
            for (int count : uses)
              ASSERT_EQ(count, 1) << bits << " bits, group " << group;
            ASSERT_EQ(layout.records() * layout.recordSpan(), layout.k);
          }
  EXPECT_GT(checked, 300);
}

TEST(PanelLayout, refusals) {
  auto why = [](PanelLayout layout) {
    const char *reason = layout.check();
    return std::string(reason ? reason : "");
  };
  PanelLayout good{.n = 16, .k = 64, .codeBits = 4, .group = 32};
  EXPECT_EQ(why(good), "");
  PanelLayout bad = good;
  bad.n = 0;
  EXPECT_NE(why(bad).find("must be positive"), std::string::npos);
  bad = good;
  bad.k = 48;
  EXPECT_NE(why(bad).find("multiple of the record"), std::string::npos);
  bad = good;
  bad.group = 24;
  EXPECT_NE(why(bad).find("divide 32"), std::string::npos);
  bad = good;
  bad.superGroup = 48;
  EXPECT_NE(why(bad).find("multiple of a group"), std::string::npos);
  bad = good;
  bad.kr = 3;
  EXPECT_NE(why(bad).find("kr must divide"), std::string::npos);
  bad = good;
  bad.codeBits = 1, bad.kr = 8, bad.group = bad.k = 96; // twelve quads of a plane, which takes eight
  EXPECT_NE(why(bad).find("kr is too large"), std::string::npos);
  bad = good;
  bad.bias = 128;
  EXPECT_NE(why(bad).find("the bias is 0"), std::string::npos);
  bad = good;
  bad.codeBits = 9;
  EXPECT_NE(why(bad).find("1 to 8 bits"), std::string::npos);
  bad = {.n = 1, .k = 1, .codeBits = 0};
  EXPECT_NE(why(bad).find("kr = 1"), std::string::npos);
}
