//===- CommandTest.cpp - nibble reference --------------------------------===//

#include "compiler/Reference/ReferenceCommand.h"

#include "test/Reference/TestModule.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace nibble;
using namespace nibble::reference;

TEST(ReferenceCommand, parseTokens) {
  auto tokens = parseTokens("1, 22,0");
  ASSERT_TRUE(bool(tokens));
  EXPECT_EQ(*tokens, (std::vector<int32_t>{1, 22, 0}));
  for (const char *bad : {"", "1,,2", "1,x", "-1", "4294967296"}) {
    auto refused = parseTokens(bad);
    ASSERT_FALSE(bool(refused)) << bad;
    EXPECT_NE(llvm::toString(refused.takeError()).find("token numbers"),
              std::string::npos);
  }
}

/// A model whose logits are the embedding: rows of the table as f32 bytes.
TEST(ReferenceCommand, writesLogits) {
  TestModule test;
  std::string table = test.floats({1, 2, 3, 4});
  mlir::ModuleOp module = test.parse(R"mlir(
    lm.weight @table : tensor<2x2xf32> from [)mlir" + table + R"mlir(]
    func.func @decode(%tokens: tensor<1xi32>, %pos: index, %n: index) -> tensor<1x2xf32> {
      %table = lm.weight_ref @table : tensor<2x2xf32>
      %y = lm.embed %tokens, %table, %n : (tensor<1xi32>, tensor<2x2xf32>, index) -> tensor<1x2xf32>
      return %y : tensor<1x2xf32>
    })mlir");
  ReferenceOptions options;
  options.entry = Entry::Decode;
  std::string out = test.path + ".logits";
  ASSERT_TRUE(mlir::succeeded(writeLogits(module, {1, 0}, out, options)))
      << test.messages;
  auto file = llvm::MemoryBuffer::getFile(out);
  ASSERT_TRUE(bool(file));
  llvm::sys::fs::remove(out);
  const float expected[] = {3, 4, 1, 2};
  ASSERT_EQ((*file)->getBufferSize(), sizeof expected);
  EXPECT_EQ(memcmp((*file)->getBufferStart(), expected, sizeof expected), 0);

  EXPECT_TRUE(mlir::failed(
      writeLogits(module, {1}, test.path + ".none/logits", options)));
  EXPECT_NE(test.messages.find("cannot write the logits"), std::string::npos);
}
