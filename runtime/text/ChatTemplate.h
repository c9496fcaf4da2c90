//===- ChatTemplate.h - a conversation as the model was trained on it -*- C++ -*-===//
//
// Runs the program that the compiler made of the model's chat template
// (runtime/schema/chat.fbs, runtime/text/ChatProgram.h). The result is what Hugging
// Face's apply_chat_template renders, cut into segments by origin, for the tokenizer
// to recognise control tokens in the template's own text only.
//
// Contract: no allocation, no exceptions; a step limit and the caller's buffers
// bound every run, whatever the template and the conversation.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/schema/chat_generated.h"
#include "runtime/text/Segment.h"
#include "runtime/text/TextError.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace nibble::rt {

/// One message. The usual roles (system, user, assistant, tool, developer, model) count as the template's text, as
/// many templates build control tokens of them; any other role counts as the participant's.
struct ChatTurn {
  std::string_view role;
  std::string_view content;
};

/// Local date and time, for templates that tell the model the date.
struct ChatTime {
  int year = 1970, month = 1, day = 1; // month 1 … 12, day 1 … 31
  int hour = 0, minute = 0, second = 0;
};

struct ChatOptions {
  bool addGenerationPrompt = true;
  enum class Thinking : uint8_t { Unset, Off, On } thinking = Thinking::Unset; // the variable enable_thinking
  ChatTime now = {};
  uint64_t maxSteps = 1 << 22; // instructions; a usual template takes some thirty a message
};

/// Where a rendering goes, and what came of it.
struct ChatResult {
  size_t textSize = 0;
  size_t segmentCount = 0;
  uint32_t line = 0;             // of the template, where an error was met
  std::string_view message = {}; // of raise_exception; lies in the workspace
};

class ChatTemplate {
public:
  ChatTemplate() = default;

  /// The FlatBuffer is verified and outlives the template.
  static TextError open(const schema::ChatTemplate *table, ChatTemplate &chat);

  /// What usual templates need for a conversation of `messages` with `bytes` of contents; more is an error, not a
  /// crash.
  size_t workspaceSize(size_t messages, size_t bytes) const;
  size_t outputSize(size_t messages, size_t bytes) const;
  static size_t segmentCount(size_t messages) { return 16 * messages + 64; }

  /// Renders to text[0, result.textSize) and segments[0, result.segmentCount). The workspace is 8-byte aligned.
  TextError render(std::span<const ChatTurn> messages, const ChatOptions &options, std::span<std::byte> workspace,
                   std::span<char> text, std::span<Segment> segments, ChatResult &result) const;

  /// Whether the template asks for the date, so that ChatOptions::now matters.
  bool usesTime() const { return table->uses_time(); }

private:
  const schema::ChatTemplate *table = nullptr;
};

} // namespace nibble::rt
