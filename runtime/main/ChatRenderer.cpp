//===- ChatRenderer.cpp - a conversation as token ids --------------------===//
//
// See ChatRenderer.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/ChatRenderer.h"

#include "runtime/schema/artifact_generated.h"

namespace nibble::rt {

static Status renderFailure(TextError error, const ChatResult &result) {
  if (error == TextError::TemplateRaised)
    return Status::failure(Exit::Usage, "the chat template refuses this conversation: %.*s", int(result.message.size()),
                           result.message.data());
  return Status::failure(Exit::Usage, "the chat template cannot render this conversation (its line %u): %s",
                         result.line, describe(error));
}

Status encodeConversation(Program &program, std::span<const ChatTurn> messages, std::span<const int32_t> &ids,
                          bool &tooLong) {
  tooLong = false;
  if (!program.description().chat())
    return Status::failure(Exit::Usage, "this is a base model without a chat template: use --raw to continue a text");
  size_t bytes = 0;
  for (const ChatTurn &message : messages)
    bytes += message.content.size();
  if (bytes > program.plan.textBytes) {
    tooLong = true;
    return Status::failure(Exit::Usage, "the conversation has %zu bytes; a context of %u tokens holds at most %llu",
                           bytes, program.description().config()->context(),
                           static_cast<unsigned long long>(program.plan.textBytes));
  }
  ChatOptions options;
  options.now = program.startTime;
  if (program.options.noThink)
    options.thinking = ChatOptions::Thinking::Off;
  ChatResult result;
  TextError error =
      program.chat.render(messages, options, program.chatWorkspace, program.rendered, program.segments, result);
  if (error != TextError::None) {
    tooLong = error == TextError::OutputTooSmall || error == TextError::WorkspaceTooSmall;
    return renderFailure(error, result);
  }
  std::string_view text(program.rendered.data(), result.textSize);
  int32_t bos = program.tokenizer.bos();
  std::string_view spelling = bos >= 0 ? program.tokenizer.tokenBytes(bos) : std::string_view();
  bool hasBos = bos >= 0 && text.starts_with(spelling) && result.segmentCount && program.segments[0].isTemplate &&
                program.segments[0].end >= spelling.size();
  EncodeOptions encoding;
  encoding.specials = SpecialTokens::All;
  encoding.segments = program.segments.first(result.segmentCount);
  encoding.addSpecial = !hasBos;
  return program.encode(text, encoding, ids);
}

} // namespace nibble::rt
