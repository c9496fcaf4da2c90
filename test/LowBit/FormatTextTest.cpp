//===- FormatTextTest.cpp - formats as a user writes them -----------------===//
//
// Each text with the type it means for 576 columns, and each mistake with the
// column that the message points at.
//
//===----------------------------------------------------------------------===//
#include "dialects/LowBit/FormatText.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

namespace nibble::lowbit {
namespace {

std::string meaningOf(const char *text, int64_t columns = 576) {
  mlir::MLIRContext context;
  context.loadDialect<LowBitDialect>();
  TextError error;
  std::optional<FormatText> format = FormatText::parse(text, &context, error);
  if (!format)
    return std::to_string(error.column) + ": " + error.message;
  if (format->isKeep())
    return "keep";
  llvm::Expected<mlir::Type> type = format->elementType(&context, columns);
  if (!type)
    return llvm::toString(type.takeError());
  std::string result;
  llvm::raw_string_ostream(result) << *type;
  return result;
}

TEST(FormatTextTest, Names) {
  EXPECT_EQ(meaningOf("keep"), "keep");
  EXPECT_EQ(meaningOf("Q4_0"), "!lowbit.block<u4, 32, f16, zp = 8>");
  EXPECT_EQ(meaningOf("q6_k", 512), "!lowbit.block<u6, 16, i8 x f16 : 256, zp = 32>");
  EXPECT_EQ(meaningOf("bf16"), "bf16");
}

// The super block shrinks to what divides the row.
TEST(FormatTextTest, Widths) {
  EXPECT_EQ(meaningOf("q6"), "!lowbit.block<u6, 16, i8 x f16 : 192, zp = 32>");
  EXPECT_EQ(meaningOf("q4", 1024), "!lowbit.block<u4, 32, u6 x f16 : 256, min = -(u6 x f16 : 256)>");
  EXPECT_EQ(meaningOf("q2", 32), "!lowbit.block<u2, 16, u4 x f16 : 32, min = -(u4 x f16 : 32)>");
  EXPECT_EQ(meaningOf("q8"), "!lowbit.block<i8, 32, f16>");
}

TEST(FormatTextTest, OwnFormats) {
  EXPECT_EQ(meaningOf("int4"), "!lowbit.block<u4, 32, f16, zp = 8>");
  EXPECT_EQ(meaningOf("int8:row"), "!lowbit.block<i8, row, f16>");
  EXPECT_EQ(meaningOf(" int3 : g64 : bf16 "), "!lowbit.block<u3, 64, bf16, zp = 4>");
  EXPECT_EQ(meaningOf("uint3:g64:f16:min"), "!lowbit.block<u3, 64, f16, min = f16>");
  EXPECT_EQ(meaningOf("uint5:zp3:f32"), "!lowbit.block<u5, 32, f32, zp = 3>");
  EXPECT_EQ(meaningOf("uint4:u6xf16/192:min"), "!lowbit.block<u4, 32, u6 x f16 : 192, min = -(u6 x f16 : 192)>");
  EXPECT_EQ(meaningOf("!lowbit.block<u4, 64, f16, zp = 7>"), "!lowbit.block<u4, 64, f16, zp = 7>");
}

TEST(FormatTextTest, Codebooks) {
  EXPECT_EQ(meaningOf("ternary:row"), "!lowbit.block<u2, row, f16, zp = 1>");
  EXPECT_EQ(meaningOf("nf4:g64:bf16"), "!lowbit.block<nf4, 64, bf16>");
  EXPECT_EQ(meaningOf("fp8e4m3:row"), "!lowbit.block<e4m3, row, f16>");
  EXPECT_EQ(meaningOf("fp4:e8m0"), "!lowbit.block<e2m1, 32, e8m0>");
  EXPECT_EQ(meaningOf("cb2[-1, -0.25, 0.5,2]:g64"), "!lowbit.block<cb<[-1, -2.500000e-01, 5.000000e-01, 2]>, 64, f16>");
  EXPECT_EQ(meaningOf("cb1[-1,1]"), "!lowbit.block<sign, 32, f16>");
}

TEST(FormatTextTest, LearnedCodebooks) {
  EXPECT_EQ(meaningOf("any4"), "!lowbit.block<cb<4 x i8 per row>, 32, f16>");
  EXPECT_EQ(meaningOf("any3[f16 per tensor]:g64:min"), "!lowbit.block<cb<3 x f16 per tensor>, 64, f16, min = f16>");
  EXPECT_EQ(meaningOf("any8[ f32 per row ]:row"), "!lowbit.block<cb<8 x f32 per row>, row, f16>");
}

TEST(FormatTextTest, WholeTensors) {
  EXPECT_EQ(meaningOf("int8:tensor:f32"), "!lowbit.block<i8, tensor, f32>");
  EXPECT_EQ(meaningOf("ternary:tensor:f32"), "!lowbit.block<u2, tensor, f32, zp = 1>");
}

TEST(FormatTextTest, MistakesHaveAColumn) {
  auto starts = [](const char *text, const char *start) {
    std::string found = meaningOf(text);
    EXPECT_EQ(found.substr(0, std::string(start).size()), start) << text;
  };
  starts("qq4", "0: expected a format, found 'qq4'; write a ggml name");
  starts("int4:g64:f61", "9: expected a part of a format, found 'f61'");
  starts("int9", "0: codes are int2 to int8 or uint1 to uint8");
  starts("int4:g0", "5: a group has at least one column");
  starts("  int4:min", "2: a format has a zero point or a minimum, not both");
  starts("uint4:row:u6xf16/64", "0: a scale of two levels needs groups");
  starts("uint4:u6xf16/48", "0: the super block of 48 must be a multiple of the group of 32");
  starts("uint2:zp9", "0: zero point 9 is outside the codes 0 … 3");
  starts("!lowbit.block<q4, 32, f16>", "14: expected a code");
  starts("cb2[-1,0,1]", "0: a codebook of 2 bits has 4 numbers, found 3");
  starts("cb2[-1,0,x,1]:g32", "9: 'x' is no number");
  starts("fp6e4m3", "0: expected a format, found 'fp6e4m3'");
  starts("any9", "0: a codebook that is made for the weights is written any4 or any4[i8 per row]");
  starts("any4[u8 per row]", "0: a codebook that is made for the weights");
  starts("any4[i8 per tensor", "0: a codebook that is made for the weights");
  starts("", "0: expected a format, found ''");
}

TEST(FormatTextTest, RowsMustFit) {
  EXPECT_EQ(meaningOf("q4_k"), "q4_k shares scales among 256 columns, of which rows of 576 columns are no multiple; a "
                               "format with smaller groups would do");
  EXPECT_EQ(meaningOf("q4", 40), "q4 shares scales among 32 columns, of which rows of 40 columns are no multiple; a "
                                 "format with smaller groups would do");
}

} // namespace
} // namespace nibble::lowbit
