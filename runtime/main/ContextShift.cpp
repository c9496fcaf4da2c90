//===- ContextShift.cpp - what happens at the end of the context ---------===//
//
// See ContextShift.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/ContextShift.h"

#include "runtime/main/ChatRenderer.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>

namespace nibble::rt {

bool shiftsWhenFull(const Program &program) {
  std::string_view choice = program.options.onFull;
  const schema::Generation *generation = program.description().generation();
  if (choice.empty() && generation && generation->on_full())
    choice = generation->on_full()->string_view();
  return choice.empty() ? program.options.chat : choice == "shift";
}

/// Renders the conversation without its oldest exchanges until the answer fits behind it, with room to go on.
bool ContextShift::forgetExchanges(size_t answered) {
  while (conversation && conversation->forgetOldest()) {
    std::span<const ChatTurn> messages = conversation->all();
    std::span<const int32_t> ids;
    bool tooLong;
    refused = encodeConversation(program, messages.first(messages.size() - 1), ids, tooLong).failed();
    if (refused)
      return false;
    prefix = ids.size(); // they lie in program.ids
    if (prefix + answered + program.context / 8 <= program.context)
      return true;
  }
  return false;
}

bool ContextShift::shift() {
  std::span<const int32_t> history = program.session.history();
  size_t before = prefix, answered = history.size() - prefix;
  // The rendered beginning overwrites program.ids; the answer is in the history, which feed() does not touch before it
  // has compared.
  bool fits = forgetExchanges(answered);
  if (refused)
    return false;
  if (prefix == before && !fits)
    std::copy(history.begin(), history.begin() + prefix, program.ids.begin());
  size_t kept = fits ? answered : answered / 2;
  if (prefix + kept >= program.context)
    return false;
  std::copy(history.end() - kept, history.end(), program.ids.begin() + prefix);
  program.out.flush();
  program.err.write("note: the context is full; the oldest tokens are dropped\n");
  program.err.flush();
  return program.session.feed(program.ids.first(prefix + kept));
}

} // namespace nibble::rt
