//===- HuggingFaceTokenizerTest.cpp - tokenizer.json against its library ----===//
//
// Each folder of Inputs/tokenizers has a tokenizer.json in the manner of a family
// and the ids that the library `tokenizers` gives of hard texts
// (make_tokenizers.py).
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/HuggingFace/Folder.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Import/TokenizerMetadata.h"
#include "runtime/text/Tokenizer.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

using namespace nibble;

namespace {

std::filesystem::path inputs() {
  const char *source = std::getenv("NIBBLE_SOURCE_DIR");
  return std::filesystem::path(source ? source : NIBBLE_TEST_SOURCE_DIR) / "test/Text/Inputs/tokenizers";
}

/// The tables of a folder's tokenizer; empty after a test failure. With `pre` words are cut as GGUF's name says, not as
/// the folder does.
std::vector<uint8_t> build(const std::filesystem::path &path, const std::string &pre) {
  auto folder = HuggingFaceFolder::open(path.string());
  if (!folder) {
    ADD_FAILURE() << llvm::toString(folder.takeError());
    return {};
  }
  auto source = readTokenizer(**folder);
  if (!source) {
    ADD_FAILURE() << llvm::toString(source.takeError());
    return {};
  }
  if (!pre.empty()) {
    source->pre = pre;
    source->patterns.reset();
    source->normalizer.reset();
  }
  auto table = buildTokenizer(*source);
  if (!table) {
    ADD_FAILURE() << llvm::toString(table.takeError());
    return {};
  }
  return std::move(*table);
}

std::vector<int32_t> encode(const rt::Tokenizer &tokenizer, std::string_view text, size_t *steps = nullptr) {
  std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(text.size()));
  std::vector<int32_t> ids(rt::Tokenizer::maxTokens(text.size()));
  rt::EncodeOptions options;
  options.specials = rt::SpecialTokens::All; // as the library does
  options.addSpecial = true;
  options.steps = steps;
  size_t count = 0;
  rt::TextError error = tokenizer.encode(text, options, workspace, ids, count);
  EXPECT_TRUE(error == rt::TextError::None || error == rt::TextError::UnknownBytes);
  ids.resize(count);
  return ids;
}

void compare(const std::filesystem::path &path, const std::string &pre = "") {
  SCOPED_TRACE(path.filename().string() + " " + pre);
  std::vector<uint8_t> table = build(path, pre);
  if (table.empty())
    return;
  rt::Tokenizer tokenizer;
  ASSERT_EQ(rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer),
            rt::TextError::None);
  auto file = InputFile::open((path / "vectors.json").string());
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  auto vectors = parseJSONObject(**file);
  ASSERT_TRUE(bool(vectors)) << llvm::toString(vectors.takeError());
  size_t compared = 0;
  for (const llvm::json::Value &entry : *vectors->getArray("vectors")) {
    const llvm::json::Object &vector = *entry.getAsObject();
    std::string text = vector.getString("text")->str();
    std::vector<int32_t> expected;
    for (const llvm::json::Value &id : *vector.getArray("ids"))
      expected.push_back(static_cast<int32_t>(*id.getAsInteger()));
    EXPECT_EQ(encode(tokenizer, text), expected) << '"' << text << '"';
    ++compared;
  }
  EXPECT_GT(compared, 70u);
}

TEST(HuggingFaceTokenizer, EncodesAsItsLibrary) {
  size_t folders = 0;
  for (const auto &entry : std::filesystem::directory_iterator(inputs())) {
    compare(entry.path());
    ++folders;
  }
  EXPECT_EQ(folders, 22u);
}

/// What is looked at for a byte of a text that repeats `unit`.
double stepsEachByte(const rt::Tokenizer &tokenizer, std::string_view unit, size_t size) {
  std::string text;
  while (text.size() < size)
    text += unit;
  size_t steps = 0;
  encode(tokenizer, text, &steps);
  return double(steps) / double(text.size());
}

// Eight times the text takes eight times the work; merges take a logarithm more (4/3 of it here).
TEST(HuggingFaceTokenizer, IsLinearOnHostileText) {
  for (const auto &entry : std::filesystem::directory_iterator(inputs())) {
    std::vector<uint8_t> table = build(entry.path(), "");
    ASSERT_FALSE(table.empty());
    rt::Tokenizer tokenizer;
    ASSERT_EQ(rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer),
              rt::TextError::None);
    for (std::string_view unit : {"a", " ", "0", "\n", "ab", "th", " x", "'s", "\xF0\x9F\x98\x80", "\xFF", "e\xCC\x81",
                                  "\xCC\xA3\xCC\x81", "<|", "<tool", "\xE4\xB8\xAD"}) {
      double few = stepsEachByte(tokenizer, unit, 5000), many = stepsEachByte(tokenizer, unit, 40000);
      EXPECT_GE(few, 0.2) << entry.path() << " '" << unit << "'";
      EXPECT_LT(many, 1.5 * few) << entry.path() << " '" << unit << "'";
    }
  }
}

// GGUF names what tokenizer.json spells out.
TEST(HuggingFaceTokenizer, EncodesByTheNameInGGUF) {
  for (const char *name :
       {"gpt-2", "smollm", "qwen2", "tekken", "gpt-4o", "deepseek-v3", "deepseek-coder", "deepseek-llm"})
    compare(inputs() / name, name);
  compare(inputs() / "llama-3", "llama-bpe");
}

} // namespace
