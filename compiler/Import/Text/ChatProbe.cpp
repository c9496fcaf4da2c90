//===- ChatProbe.cpp - Does a template render a plain conversation? -------===//
//
// Some templates are for conversations with tools alone and go through a list
// that isn't there. In the program that would fail at the first question, with
// a line of a template that its user never saw; so the compiler asks first.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/ChatTemplate.h"

#include "compiler/Import/ImportError.h"
#include "runtime/text/ChatTemplate.h"

using namespace nibble;
using llvm::Error;
using llvm::Twine;
using rt::TextError;

/// How `messages` end. A conversation that the template itself refuses says nothing of it.
static TextError render(const rt::ChatTemplate &chat, llvm::ArrayRef<rt::ChatTurn> messages, uint32_t &line) {
  size_t bytes = 0;
  for (const rt::ChatTurn &turn : messages)
    bytes += turn.role.size() + turn.content.size();
  std::vector<uint64_t> workspace(chat.workspaceSize(messages.size(), bytes) / sizeof(uint64_t) + 1);
  std::vector<char> text(chat.outputSize(messages.size(), bytes));
  std::vector<rt::Segment> segments(rt::ChatTemplate::segmentCount(messages.size()));
  rt::ChatResult result;
  TextError error = chat.render(messages, rt::ChatOptions(), std::as_writable_bytes(std::span(workspace)), text,
                                segments, result);
  line = result.line;
  return error;
}

Error nibble::checkChatTemplate(llvm::ArrayRef<uint8_t> table) {
  rt::ChatTemplate chat;
  if (TextError error = rt::ChatTemplate::open(flatbuffers::GetRoot<schema::ChatTemplate>(table.data()), chat);
      error != TextError::None)
    return malformed(Twine("the chat template's program can't be read back: ") + rt::describe(error));
  const rt::ChatTurn turns[] = {{"system", "Be brief."}, {"user", "Hello"}, {"assistant", "Hi"}, {"user", "Bye"}};
  llvm::ArrayRef<rt::ChatTurn> all = turns;
  for (llvm::ArrayRef<rt::ChatTurn> messages : {all.slice(1, 1), all.take_front(2), all.slice(1, 3), all}) {
    uint32_t line;
    TextError error = render(chat, messages, line);
    if (error == TextError::None || error == TextError::TemplateRaised)
      continue;
    if (error != TextError::TemplateUndefined && error != TextError::TemplateType)
      return unsupported("chat template, line " + Twine(line) + ": a plain conversation fails here (" +
                         rt::describe(error) + "). Give another template (--chat-template=FILE), or none "
                         "(--chat-template=none)");
    return unsupported("chat template, line " + Twine(line) + ": a plain conversation fails here (" +
                       rt::describe(error) + "); Nibble's conversations have no tools, functions or documents. Give "
                       "a template that needs none (--chat-template=FILE), or none (--chat-template=none)");
  }
  return Error::success();
}
