//===- ChatTemplate.cpp - a conversation as the model was trained on it ----===//
//
// See ChatTemplate.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/ChatTemplate.h"

#include "runtime/text/ChatMachine.h"

namespace nibble::rt {

TextError ChatTemplate::open(const schema::ChatTemplate *table, ChatTemplate &chat) {
  if (!table || table->version() != chat::ProgramVersion || table->functions()->size() == 0 ||
      table->code()->size() == 0 || table->string_offsets()->size() == 0)
    return TextError::BadTable;
  if (table->string_offsets()->Get(table->string_offsets()->size() - 1) != table->string_bytes()->size())
    return TextError::BadTable;
  chat = ChatTemplate();
  chat.table = table;
  return TextError::None;
}

/// Values: five for a message, a handful a statement and message, frames for macros.
static size_t valueBytes(const schema::ChatTemplate &table, size_t messages) {
  size_t slots = 0;
  for (const schema::ChatFunction *function : *table.functions())
    slots += function->slots();
  size_t frames = chat::MaxCalls * table.max_stack() + slots;
  return (frames + 1024 + messages * 64) * sizeof(chat::Value);
}

size_t ChatTemplate::workspaceSize(size_t messages, size_t bytes) const {
  // Text: strings that a template keeps while it goes through the messages, twice (origins).
  size_t text = 4 * table->string_bytes()->size() + 4 * bytes + 256 * messages + 4096;
  return valueBytes(*table, messages) + 2 * text;
}

size_t ChatTemplate::outputSize(size_t messages, size_t bytes) const {
  return 2 * table->string_bytes()->size() + 2 * bytes + 256 * messages + 1024;
}

TextError ChatTemplate::render(std::span<const ChatTurn> messages, const ChatOptions &options,
                               std::span<std::byte> workspace, std::span<char> text, std::span<Segment> segments,
                               ChatResult &result) const {
  size_t values = valueBytes(*table, messages.size());
  if (workspace.size() < values)
    return TextError::WorkspaceTooSmall;
  chat::Machine machine(*table, options, chat::Heap(workspace, values), chat::Output(text, segments));
  TextError error = machine.run(messages);
  result = {machine.result().size, machine.result().segmentCount, machine.line, machine.raised};
  return error;
}

} // namespace nibble::rt
