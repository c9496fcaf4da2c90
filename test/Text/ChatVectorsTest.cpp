//===- ChatVectorsTest.cpp - conversations as transformers renders them ----===//
//
// Inputs/chat/vectors.json has templates in the manner of the families', and what
// apply_chat_template makes of six conversations with each (make_chat_vectors.py).
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/Text/ChatTemplate.h"
#include "runtime/text/ChatTemplate.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace nibble;
using rt::TextError;

namespace {

/// Renders the conversation of one entry and compares.
void compare(const rt::ChatTemplate &chat, const llvm::json::Object &entry) {
  std::vector<rt::ChatTurn> messages;
  size_t bytes = 0;
  for (const llvm::json::Value &value : *entry.getArray("messages")) {
    const llvm::json::Array &pair = *value.getAsArray();
    messages.push_back({*pair[0].getAsString(), *pair[1].getAsString()});
    bytes += messages.back().role.size() + messages.back().content.size();
  }
  rt::ChatOptions options;
  options.addGenerationPrompt = *entry.getBoolean("prompt");
  if (auto thinking = entry.getBoolean("thinking"))
    options.thinking = *thinking ? rt::ChatOptions::Thinking::On : rt::ChatOptions::Thinking::Off;
  options.now = {2025, 3, 7, 16, 5, 9};
  std::vector<uint64_t> workspace(chat.workspaceSize(messages.size(), bytes) / 8 + 1);
  std::vector<char> text(chat.outputSize(messages.size(), bytes));
  std::vector<rt::Segment> segments(rt::ChatTemplate::segmentCount(messages.size()));
  rt::ChatResult result;
  TextError error =
      chat.render(messages, options, std::as_writable_bytes(std::span(workspace)), text, segments, result);
  if (auto raised = entry.getString("raises")) {
    EXPECT_EQ(error, TextError::TemplateRaised) << rt::describe(error) << " in line " << result.line;
    EXPECT_EQ(result.message, std::string_view(*raised));
    return;
  }
  ASSERT_EQ(error, TextError::None) << rt::describe(error) << " in line " << result.line << ' ' << result.message;
  EXPECT_EQ(std::string_view(text.data(), result.textSize), std::string_view(*entry.getString("text")));
}

TEST(ChatVectors, RendersAsTransformers) {
  const char *source = std::getenv("NIBBLE_SOURCE_DIR");
  std::string path = std::string(source ? source : NIBBLE_TEST_SOURCE_DIR) + "/test/Text/Inputs/chat/vectors.json";
  auto file = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(bool(file)) << path;
  llvm::json::Value vectors = llvm::cantFail(llvm::json::parse((*file)->getBuffer()));
  size_t compared = 0;
  for (const llvm::json::Value &value : *vectors.getAsObject()->getArray("vectors")) {
    const llvm::json::Object &vector = *value.getAsObject();
    SCOPED_TRACE(vector.getString("name")->str());
    auto table = buildChatTemplate(*vector.getString("template"), {"<s>", "</s>", std::nullopt, std::nullopt});
    if (!table) {
      ADD_FAILURE() << llvm::toString(table.takeError());
      continue;
    }
    rt::ChatTemplate chat;
    ASSERT_EQ(rt::ChatTemplate::open(flatbuffers::GetRoot<schema::ChatTemplate>(table->data()), chat),
              TextError::None);
    for (const llvm::json::Value &entry : *vector.getArray("renderings")) {
      compare(chat, *entry.getAsObject());
      ++compared;
    }
  }
  EXPECT_EQ(compared, 168u);
}

} // namespace
