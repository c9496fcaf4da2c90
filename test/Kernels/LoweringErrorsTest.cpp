//===- LoweringErrorsTest.cpp - what cannot become a kernel says why ------===//
//
// Each case is an operation in buffer form that no kernel can be made for, and the
// sentence that must come out instead.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/KernelProgram.h"

#include <gtest/gtest.h>

namespace nibble::test {
namespace {

std::string errorsOf(const std::string &arguments, const std::string &operation) {
  auto target = TargetInfo::get("x86_64-linux-gnu", "haswell");
  EXPECT_TRUE(bool(target));
  KernelProgram program;
  program.add("func.func @f(" + arguments + ") {\n  " + operation + "\n  return\n}\n");
  return program.compile(*target);
}

#define EXPECT_SAYS(errors, sentence) EXPECT_NE((errors).find(sentence), std::string::npos) << (errors)

const char *kFloatArguments =
    "%w: memref<2048xi8>, %x: memref<4x32xf32>, %y: memref<4x16xf32>, %n: index, %tid: index, %nth: index";

std::string product(const std::string &row, const std::string &layout) {
  return "mpgemm.mma %w, (%x) rows %n into %y {row = \"" + row + "\", layout = #mpgemm.layout<" + layout +
         ">} : (memref<2048xi8>, memref<4x32xf32>, index, memref<4x16xf32>) -> ()";
}

TEST(LoweringErrorsTest, UnknownRow) {
  EXPECT_SAYS(errorsOf(kFloatArguments, product("x87", "element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0")),
              "names the instruction row 'x87', which does not exist");
}

TEST(LoweringErrorsTest, PanelOfAnotherRow) {
  EXPECT_SAYS(errorsOf(kFloatArguments, product("x86_fma_1x8x1_f32f32f32",
                                                "element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0")),
              "needs a layout with nr = 32 and kr = 1");
}

TEST(LoweringErrorsTest, FloatsForAnIntegerRow) {
  EXPECT_SAYS(errorsOf("%w: memref<512xi8>, %x: memref<4x32xf32>, %y: memref<4x16xf32>, %n: index, %tid: index, "
                       "%nth: index",
                       "mpgemm.mma %w, (%x) rows %n into %y {row = \"generic_base_1x4x4_s8s8s32\", layout = "
                       "#mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 32, nr = 16, kr = 4, bias = "
                       "0>} : (memref<512xi8>, memref<4x32xf32>, index, memref<4x16xf32>) -> ()"),
              "must hold 544 bytes");
  EXPECT_SAYS(errorsOf("%w: memref<544xi8>, %x: memref<4x32xf32>, %y: memref<4x16xf32>, %n: index, %tid: index, "
                       "%nth: index",
                       "mpgemm.mma %w, (%x) rows %n into %y {row = \"generic_base_1x4x4_s8s8s32\", layout = "
                       "#mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 32, nr = 16, kr = 4, bias = "
                       "0>} : (memref<544xi8>, memref<4x32xf32>, index, memref<4x16xf32>) -> ()"),
              "multiplies low-bit codes with quantized activations");
}

TEST(LoweringErrorsTest, BytesOfTheWrongSign) {
  EXPECT_SAYS(
      errorsOf("%w: memref<544xi8>, %c: memref<4x32xi8>, %s: memref<4x1xf32>, %t: memref<4x1xi32>, "
               "%y: memref<4x16xf32>, %n: index, %tid: index, %nth: index",
               "mpgemm.mma %w, (%c, %s, %t) rows %n into %y {row = \"generic_base_1x4x4_s8s8s32\", layout = "
               "#mpgemm.layout<element = !lowbit.block<i8, 32, f16>, n = 16, k = 32, nr = 16, kr = 4, bias = 128>} : "
               "(memref<544xi8>, memref<4x32xi8>, memref<4x1xf32>, memref<4x1xi32>, index, memref<4x16xf32>) -> ()"),
      "needs codes stored with bias 0");
}

TEST(LoweringErrorsTest, NoPlaceInATeam) {
  EXPECT_SAYS(errorsOf("%w: memref<2048xi8>, %x: memref<4x32xf32>, %y: memref<4x16xf32>, %n: index",
                       product("generic_base_1x4x1_f32f32f32",
                               "element = f32, n = 16, k = 32, nr = 16, kr = 1, bias = 0")),
              "last two arguments are not (tid, nthreads)");
}

TEST(LoweringErrorsTest, EmbeddingWithoutALayout) {
  EXPECT_SAYS(errorsOf("%t: memref<4xi32>, %w: memref<2048xi8>, %y: memref<4x32xf32>, %n: index, %tid: index, "
                       "%nth: index",
                       "lm.embed %t, %w, %n into %y : (memref<4xi32>, memref<2048xi8>, index, memref<4x32xf32>) -> ()"),
              "reads a table without an #mpgemm.layout");
}

TEST(LoweringErrorsTest, GroupsThatDoNotNest) {
  EXPECT_SAYS(errorsOf("%x: memref<4x96xf32>, %c: memref<4x96xi8>, %s: memref<4x3xf32>, %t: memref<4x2xi32>, "
                       "%n: index, %tid: index, %nth: index",
                       "mpgemm.quantize %x, %n into %c, %s, %t {group = 32 : i64, sum_group = 48 : i64} : "
                       "(memref<4x96xf32>, index, memref<4x96xi8>, memref<4x3xf32>, memref<4x2xi32>) -> ()"),
              "needs a sum_group that divides the group or is a multiple of it, but has 32 and 48");
}

} // namespace
} // namespace nibble::test
