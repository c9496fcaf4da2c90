//===- RequantizerTest.cpp - rounding while packing -----------------------===//
//
// What the packer writes of a requantized source is what the encoder makes of all
// its rows at once, whatever the pieces in which they pass by; and the report is
// the error of just these values.
//
//===----------------------------------------------------------------------===//
#include "compiler/Link/Requantizer.h"
#include "dialects/LowBit/Compensation.h"
#include "dialects/LowBit/Encoder.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "test/Link/UnpackPacked.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace nibble {
namespace {

/// More than the rows that are decoded at once, and no whole number of panels.
constexpr int64_t kRows = 5003, kColumns = 64;

class RequantizerTest : public testing::Test {
protected:
  RequantizerTest() : values(kRows * kColumns) {
    context.loadDialect<lowbit::LowBitDialect, mpgemm::MPGEMMDialect>();
    std::mt19937 random(5);
    for (float &value : values)
      value = std::normal_distribution<float>(0, 0.05f)(random);
  }

  PackSource source() {
    auto read = [this](int64_t first, int64_t count) -> llvm::Expected<llvm::ArrayRef<uint8_t>> {
      return llvm::ArrayRef(reinterpret_cast<const uint8_t *>(values.data()), values.size() * 4)
          .slice(first * kColumns * 4, count * kColumns * 4);
    };
    return {lowbit::findFormat("f32"), kRows, read};
  }

  std::vector<uint8_t> pack(mlir::Type element, int64_t kr, RequantizedTensor &report,
                            const std::vector<float> *moments = nullptr) {
    auto layout = mpgemm::LayoutAttr::get(&context, element, kRows, kColumns, 16, kr, 0).getPanelLayout();
    std::vector<uint8_t> packed;
    llvm::Error error = packWeight(layout, requantize(source(), element, kColumns, report, moments),
                                   [&](llvm::ArrayRef<uint8_t> panel) {
                                     packed.insert(packed.end(), panel.begin(), panel.end());
                                     return llvm::Error::success();
                                   });
    EXPECT_EQ(llvm::toString(std::move(error)), "");
    return packed;
  }

  mlir::MLIRContext context;
  std::vector<float> values;
};

TEST_F(RequantizerTest, PacksWhatTheEncoderGives) {
  for (const char *text : {"!lowbit.block<u4, 32, f16, zp = 8>", "!lowbit.block<u3, 64, f16, min = f16>",
                           "!lowbit.block<u4, 32, u6 x f16 : 64, min = -(u6 x f16 : 64)>",
                           "!lowbit.block<u4, tensor, f32, zp = 8>", "!lowbit.block<cb<4 x i8 per row>, 32, f16>",
                           "!lowbit.block<cb<3 x i8 per tensor>, row, f16>"}) {
    auto type = mlir::cast<lowbit::BlockType>(mlir::parseType(text, &context));
    RequantizedTensor report;
    std::vector<uint8_t> packed = pack(type, 4, report);
    lowbit::Planes expected, found;
    ASSERT_FALSE(bool(lowbit::encodeRows(type, values.data(), kRows, kColumns, expected)));
    unpackPacked(mpgemm::LayoutAttr::get(&context, type, kRows, kColumns, 16, 4, 0).getPanelLayout(), packed, found);
    EXPECT_EQ(found.codes, expected.codes) << text;
    EXPECT_EQ(found.scale, expected.scale) << text;
    EXPECT_EQ(found.min, expected.min) << text;
    EXPECT_EQ(found.subScale, expected.subScale) << text;
    EXPECT_EQ(found.subMin, expected.subMin) << text;
    EXPECT_EQ(found.books, expected.books) << text;

    std::vector<float> rounded(values.size());
    lowbit::decodePlanes(type, expected, kRows, kColumns, rounded.data());
    double errors = 0, squares = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      errors += (double(values[i]) - rounded[i]) * (double(values[i]) - rounded[i]);
      squares += double(values[i]) * values[i];
    }
    EXPECT_EQ(report.values, kRows * kColumns);
    EXPECT_NEAR(report.error(), std::sqrt(errors / squares), 1e-12) << text;
    EXPECT_GT(report.worst, report.error()) << text;
  }
}

// Rows in pieces are compensated as all rows at once.
TEST_F(RequantizerTest, PacksByWhatIsMultiplied) {
  std::vector<float> moments(kColumns * kColumns);
  for (int64_t i = 0; i < kColumns; ++i)
    for (int64_t j = i; j < kColumns; ++j)
      moments[i * kColumns + j] = values[i] * values[j] + (i == j ? 1e-3f : 0);
  auto type = mlir::cast<lowbit::BlockType>(mlir::parseType("!lowbit.block<u4, 32, f16, zp = 8>", &context));
  RequantizedTensor report;
  std::vector<uint8_t> packed = pack(type, 4, report, &moments);
  lowbit::Compensation compensation(moments, kColumns);
  lowbit::Planes expected, plain, found;
  ASSERT_FALSE(bool(lowbit::encodeRows(type, values.data(), kRows, kColumns, expected, nullptr, &compensation)));
  ASSERT_FALSE(bool(lowbit::encodeRows(type, values.data(), kRows, kColumns, plain)));
  unpackPacked(mpgemm::LayoutAttr::get(&context, type, kRows, kColumns, 16, 4, 0).getPanelLayout(), packed, found);
  EXPECT_EQ(found.codes, expected.codes);
  EXPECT_NE(found.codes, plain.codes);
  EXPECT_TRUE(report.isCalibrated);
}

TEST_F(RequantizerTest, PacksFloats) {
  RequantizedTensor report;
  std::vector<uint8_t> packed = pack(mlir::BFloat16Type::get(&context), 1, report);
  auto layout = mpgemm::LayoutAttr::get(&context, mlir::BFloat16Type::get(&context), kRows, kColumns, 16, 1, 0);
  std::vector<float> found, expected = values;
  unpackPacked(layout.getPanelLayout(), packed, found);
  ASSERT_FALSE(bool(lowbit::roundRows(mlir::BFloat16Type::get(&context), kRows, kColumns, expected.data())));
  EXPECT_EQ(found, expected);
  EXPECT_GT(report.error(), 1e-4);
  EXPECT_LT(report.error(), 1.0 / 256);
}

// What the source holds already is passed on, and nothing is reported.
TEST_F(RequantizerTest, LeavesTheSameTypeAlone) {
  RequantizedTensor report;
  std::vector<uint8_t> packed = pack(mlir::Float32Type::get(&context), 1, report);
  EXPECT_EQ(report.values, 0);
  EXPECT_EQ(report.error(), 0);
}

TEST_F(RequantizerTest, RefusesWhatIsNoNumber) {
  values[3 * kColumns + 7] = INFINITY;
  auto type = mlir::parseType("!lowbit.block<u4, 32, f16, zp = 8>", &context);
  RequantizedTensor report;
  auto layout = mpgemm::LayoutAttr::get(&context, type, kRows, kColumns, 16, 4, 0).getPanelLayout();
  llvm::Error error = packWeight(layout, requantize(source(), type, kColumns, report),
                                 [](llvm::ArrayRef<uint8_t>) { return llvm::Error::success(); });
  EXPECT_EQ(llvm::toString(std::move(error)), "cannot round INF at row 3, column 7 to low bits");
}

} // namespace
} // namespace nibble
