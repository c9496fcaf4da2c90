//===- FoldedScalesTest.cpp - two levels of scales become one -------------===//
//
// What a source with folded scales gives decodes to the very values of its blocks, odd scales included, and packs.
//
//===----------------------------------------------------------------------===//
#include "compiler/Link/FoldedScales.h"
#include "dialects/LowBit/Casts.h"
#include "dialects/LowBit/Encoder.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "test/Link/UnpackPacked.h"
#include "test/LowBit/TestBlocks.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <random>

namespace nibble {
namespace {

/// No whole number of panels.
constexpr int64_t kRows = 37, kColumns = 512;

class FoldedScalesTest : public testing::Test {
protected:
  FoldedScalesTest() { context.loadDialect<lowbit::LowBitDialect, mpgemm::MPGEMMDialect>(); }

  /// The values of the source, folded and packed.
  std::vector<float> valuesOf(PackSource source, lowbit::BlockType stored) {
    lowbit::BlockType folded = lowbit::withFoldedScales(stored);
    auto layout = mpgemm::LayoutAttr::get(&context, folded, kRows, kColumns, 16, 4, 0).getPanelLayout();
    std::vector<uint8_t> packed;
    llvm::Error error = packWeight(layout, foldScales(std::move(source), stored, kColumns),
                                   [&](llvm::ArrayRef<uint8_t> panel) {
                                     packed.insert(packed.end(), panel.begin(), panel.end());
                                     return llvm::Error::success();
                                   });
    EXPECT_EQ(llvm::toString(std::move(error)), "");
    lowbit::Planes planes;
    unpackPacked(layout, packed, planes);
    std::vector<float> values(kRows * kColumns);
    lowbit::decodePlanes(folded, planes, kRows, kColumns, values.data());
    return values;
  }

  mlir::MLIRContext context;
};

TEST_F(FoldedScalesTest, KeepsTheValuesOfEveryFormatWithTwoLevels) {
  int formats = 0;
  for (const lowbit::Format &format : lowbit::formats()) {
    if (!format.isTwoLevel())
      continue;
    const size_t blocks = kRows * kColumns / format.blockElements;
    std::vector<uint8_t> bytes = test::testBlocks(format, blocks, 7);
    std::vector<float> expected(kRows * kColumns);
    lowbit::decodeBlocks(format, bytes, blocks, expected.data());
    auto read = [&](int64_t first, int64_t count) -> llvm::Expected<llvm::ArrayRef<uint8_t>> {
      int64_t rowBytes = kColumns / format.blockElements * format.blockBytes;
      return llvm::ArrayRef(bytes).slice(first * rowBytes, count * rowBytes);
    };
    auto stored = lowbit::withoutGrid(mlir::cast<lowbit::BlockType>(lowbit::elementType(&context, format)));
    ASSERT_TRUE(lowbit::withFoldedScales(stored)) << format.name;
    EXPECT_EQ(test::hashOf(valuesOf({&format, kRows, read}, stored)), test::hashOf(expected)) << format.name;
    ++formats;
  }
  EXPECT_GE(formats, 12);
}

TEST_F(FoldedScalesTest, KeepsTheValuesOfParts) {
  std::mt19937 random(3);
  std::vector<float> values(kRows * kColumns);
  for (float &value : values)
    value = std::normal_distribution<float>(0, 0.05f)(random);
  for (const char *text : {"!lowbit.block<u4, 32, u6 x f16 : 64, min = -(u6 x f16 : 64)>",
                           "!lowbit.block<i5, 16, i8 x bf16 : 128>",
                           "!lowbit.block<cb<4 x i8 per row>, 64, u4 x f16 : 256>"}) {
    auto type = mlir::cast<lowbit::BlockType>(mlir::parseType(text, &context));
    lowbit::Planes planes, piece;
    ASSERT_FALSE(bool(lowbit::encodeRows(type, values.data(), kRows, kColumns, planes)));
    std::vector<float> expected(values.size());
    lowbit::decodePlanes(type, planes, kRows, kColumns, expected.data());
    PackSource source;
    source.rows = kRows;
    source.readParts = [&](int64_t first, int64_t count) -> llvm::Expected<const lowbit::Planes *> {
      if (auto error = lowbit::encodeRows(type, &values[first * kColumns], count, kColumns, piece))
        return std::move(error);
      return &piece;
    };
    EXPECT_EQ(test::hashOf(valuesOf(source, type)), test::hashOf(expected)) << text;
  }
}

TEST_F(FoldedScalesTest, FoldsNothingThatAnF32DoesNotHold) {
  for (const char *text : {"!lowbit.block<u4, 32, f16>", "!lowbit.block<u4, 32, u6 x f32 : 256>",
                           "!lowbit.block<u4, 32, u6 x e8m0 : 256>"})
    EXPECT_FALSE(lowbit::withFoldedScales(mlir::cast<lowbit::BlockType>(mlir::parseType(text, &context)))) << text;
}

} // namespace
} // namespace nibble
