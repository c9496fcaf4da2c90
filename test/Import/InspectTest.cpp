//===- InspectTest.cpp - The summary of a model file ----------------------===//
//
// Both printers, on a model that is supported and on ones that are not.
//
//===----------------------------------------------------------------------===//

#include "test/Import/TinyModel.h"

#include "compiler/Import/Inspect.h"

using namespace nibble;
using namespace nibble::test;

namespace {

using InspectTest = TinyModel;

std::string printed(const Inspection &inspection) {
  std::string text;
  llvm::raw_string_ostream os(text);
  print(inspection, os);
  return text;
}

TEST_F(InspectTest, SupportedModel) {
  auto file = openTiny("--tensor-type ffn_down=q8_0");
  ASSERT_TRUE(file);
  Inspection inspection = inspectModel(*file);
  EXPECT_TRUE(inspection.isSupported()) << inspection.problem;
  EXPECT_EQ(inspection.exitCode, 0);
  ASSERT_EQ(inspection.formats.size(), 3u);
  EXPECT_EQ(inspection.formats[0].name, "q4_1");
  EXPECT_EQ(inspection.formats[1].name, "q8_0");
  EXPECT_EQ(inspection.formats[1].tensors, 2u);
  EXPECT_EQ(inspection.formats[1].elements, 2u * 64 * 128);
  EXPECT_EQ(inspection.formats[1].bytes, 2u * 64 * 128 / 32 * 34);
  EXPECT_EQ(inspection.formats[2].name, "f32");
  std::string text = printed(inspection);
  for (const char *line :
       {"architecture  llama\n", "layers        2\n", "chat template yes\n",
        "tokenizer     gpt2 / smollm, 279 tokens, 20 merges\n",
        "output        tied to the embedding table\n", "supported     yes\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST_F(InspectTest, UnsupportedModelSaysWhy) {
  auto file = openTiny("--break architecture-unknown");
  ASSERT_TRUE(file);
  Inspection inspection = inspectModel(*file);
  EXPECT_EQ(inspection.exitCode, 4);
  std::string text = printed(inspection);
  EXPECT_NE(text.find("supported     no: "), std::string::npos) << text;
  EXPECT_NE(text.find("stablelm; found 'mamba"),
            std::string::npos)
      << text;
  // The name holds an escape sequence; it must not reach the terminal.
  EXPECT_EQ(text.find('\x1b'), std::string::npos);

  file = openTiny("--break type-unsupported");
  ASSERT_TRUE(file);
  text = printed(inspectModel(*file));
  EXPECT_NE(text.find("(unsupported)"), std::string::npos) << text;
}

TEST_F(InspectTest, ContradictionsAreMalformed) {
  auto file = openTiny("--break query-shape");
  ASSERT_TRUE(file);
  EXPECT_EQ(inspectModel(*file).exitCode, 3);
}

TEST_F(InspectTest, JSON) {
  auto file = openTiny("--no-template");
  ASSERT_TRUE(file);
  llvm::json::Object object = toJSON(inspectModel(*file));
  EXPECT_EQ(object.getString("architecture"), "llama");
  EXPECT_EQ(object.getBoolean("supported"), true);
  EXPECT_EQ(object.getBoolean("chat_template"), false);
  EXPECT_EQ(object.getObject("model")->getInteger("layers"), 2);
  EXPECT_EQ(object.getArray("tensors")->size(), 2u);
  EXPECT_FALSE(object.get("problem"));

  file = openTiny("--break no-query");
  ASSERT_TRUE(file);
  object = toJSON(inspectModel(*file));
  EXPECT_EQ(object.getBoolean("supported"), false);
  EXPECT_TRUE(object.getString("problem"));
}

TEST(FormatBytes, UsesBinaryUnits) {
  EXPECT_EQ(formatBytes(0), "0 B");
  EXPECT_EQ(formatBytes(1023), "1023 B");
  EXPECT_EQ(formatBytes(1024), "1.0 KiB");
  EXPECT_EQ(formatBytes(98362432), "93.8 MiB");
  EXPECT_EQ(formatBytes(uint64_t(3) << 30), "3.0 GiB");
}

} // namespace
