//===- SplitScalesTest.cpp - Scales of small groups in two levels ---------===//
//
// Blocks of nvfp4 that are read with two levels of scales have, bit for bit, the values that they have with one.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/PackedRows.h"
#include "compiler/Import/SplitScales.h"
#include "test/Import/TinyModel.h"

#include "mlir/IR/Builders.h"

#include <bit>
#include <fstream>
#include <random>

using namespace nibble;
using namespace nibble::test;
using lowbit::BlockType;

namespace {

constexpr int64_t kRows = 5, kColumns = 512;
constexpr uint64_t kOffset = 8; // what stands before the blocks in the file

class SplitScalesTest : public TinyModel {
protected:
  SplitScalesTest() { context.loadDialect<lm::LMDialect, lowbit::LowBitDialect>(); }

  /// Blocks whose scales are `binades` apart, at most, with zeros and the code that is none among them.
  std::vector<uint8_t> blocks(unsigned lowest, unsigned binades) {
    std::mt19937 random(7);
    std::vector<uint8_t> bytes(kRows * kColumns / format.blockElements * format.blockBytes);
    for (size_t at = 0; at < bytes.size(); ++at) {
      bool isScale = at % format.blockBytes < format.scalesPerBlock();
      bytes[at] = static_cast<uint8_t>(isScale ? lowest + random() % (8 * binades) : random());
      if (isScale && random() % 8 == 0)
        bytes[at] = random() % 2 ? 0x7f : 0;
    }
    return bytes;
  }

  /// The values of the blocks, read with scales of that kind.
  std::vector<float> values(const std::vector<uint8_t> &bytes, lowbit::ScaleKind scale, double factor) {
    std::ofstream(pathOf("blocks"), std::ios::binary)
        << std::string(kOffset, 'x') << std::string(bytes.begin(), bytes.end());
    mlir::Builder builder(&context);
    auto type = BlockType::get(&context, format.codeKind(), format.group, scale, {});
    auto packing = lm::PackingAttr::get(&context, type, kRows, {}, 1, {},
                                        factor == 1 ? mlir::FloatAttr() : builder.getF64FloatAttr(factor), {}, {}, {},
                                        0, {}, {}, 0, {});
    auto source =
        lm::SourceAttr::get(&context, pathOf("blocks"), kOffset, bytes.size(), format.name, {}, {}, {}, packing);
    auto rows = PackedRows::open(source, kColumns);
    if (!rows) {
      message = llvm::toString(rows.takeError());
      return {};
    }
    std::vector<float> result(kRows * kColumns);
    llvm::Error error = rows->values(0, kRows, result.data());
    EXPECT_FALSE(error);
    return result;
  }

  static std::vector<uint32_t> bitsOf(const std::vector<float> &values) {
    std::vector<uint32_t> bits;
    for (float value : values)
      bits.push_back(std::bit_cast<uint32_t>(value));
    return bits;
  }

  mlir::MLIRContext context;
  const lowbit::Format &format = *lowbit::findFormat("nvfp4");
  std::string message;
};

lowbit::ScaleKind split(FloatKind kind, int64_t superGroup) { return {kind, {8, false}, superGroup}; }

TEST_F(SplitScalesTest, bytesAndAPowerOfTwo) {
  std::vector<int16_t> bytes(4);
  EXPECT_EQ(splitScales({448, 2, 0, 30}, bytes.data()), 2);
  EXPECT_EQ(bytes, (std::vector<int16_t>{224, 1, 0, 15}));
  EXPECT_EQ(splitScales({0x1p-9f, 0x1p-8f, 0, 0x3p-9f}, bytes.data()), 0x1p-15f);
  EXPECT_EQ(bytes, (std::vector<int16_t>{64, 128, 0, 192}));
  EXPECT_EQ(splitScales({0, 0, 0, 0}, bytes.data()), 1);
  EXPECT_EQ(bytes, (std::vector<int16_t>{0, 0, 0, 0}));
  EXPECT_EQ(splitScales({448, 2, 0, 29}, bytes.data()), std::nullopt);
  EXPECT_EQ(splitScales({-1, 2, 0, 1}, bytes.data()), std::nullopt);
  EXPECT_EQ(splitScales({1, INFINITY, 0, 1}, bytes.data()), std::nullopt);
  EXPECT_EQ(splitScales({1, NAN, 0, 1}, bytes.data()), std::nullopt);
}

TEST_F(SplitScalesTest, sameValues) {
  for (unsigned lowest : {1u, 0x30u, 0x50u}) {
    std::vector<uint8_t> bytes = blocks(lowest, 4);
    std::vector<float> expected(kRows * kColumns);
    decodeBlocks(format, bytes, kRows * kColumns / format.blockElements, expected.data());
    for (int64_t superGroup : {64, 256}) {
      EXPECT_EQ(bitsOf(values(bytes, split(FloatKind::F16, superGroup), 1)), bitsOf(expected)) << message;
      EXPECT_EQ(bitsOf(values(bytes, split(FloatKind::F32, superGroup), 1)), bitsOf(expected)) << message;
      double factor = 0.37f;
      std::vector<float> product = values(bytes, {FloatKind::F32}, factor);
      EXPECT_NE(bitsOf(product), bitsOf(expected));
      EXPECT_EQ(bitsOf(values(bytes, split(FloatKind::F32, superGroup), factor)), bitsOf(product)) << message;
    }
  }
}

/// What f32 does not hold is rounded once more: by half a unit of its last place, as the product is.
TEST_F(SplitScalesTest, quotients) {
  std::vector<uint8_t> bytes = blocks(0x30, 4);
  double factor = 1 / 2.7;
  std::vector<float> once = values(bytes, {FloatKind::F32}, factor);
  std::vector<float> twice = values(bytes, split(FloatKind::F32, 256), factor);
  ASSERT_EQ(once.size(), twice.size()) << message;
  for (auto [one, two] : llvm::zip(once, twice))
    EXPECT_LE(std::abs(one - two), std::abs(one) * 0x1p-22f);
}

TEST_F(SplitScalesTest, whatIsNoSplit) {
  EXPECT_TRUE(values(blocks(0x10, 7), split(FloatKind::F16, 256), 1).empty());
  EXPECT_EQ(message, "the scales of a super block are no bytes times a power of two");
  EXPECT_TRUE(values(blocks(0x30, 4), split(FloatKind::F16, 256), 0.37f).empty());
  EXPECT_EQ(message, "scales that are computed are f32, found f16");
  EXPECT_TRUE(values(blocks(0x30, 4), split(FloatKind::E8M0, 256), 1.5).empty());
  EXPECT_EQ(message, "scales that are computed are f32, found e8m0");
  EXPECT_TRUE(values(blocks(0x30, 4), split(FloatKind::F16, 192), 1).empty());
  EXPECT_NE(message.find("codes of"), std::string::npos) << message;
  EXPECT_TRUE(values(blocks(0x30, 4), {FloatKind::F16, {6, false}, 256}, 1).empty());
  EXPECT_NE(message.find("or small ones as u8"), std::string::npos) << message;
}

} // namespace
