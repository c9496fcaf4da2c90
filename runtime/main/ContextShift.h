//===- ContextShift.h - what happens at the end of the context ---*- C++ -*-===//
//
// What:  --on-full=shift: the oldest tokens make room for new ones, and the answer
//        goes on. What is kept stands at new positions, so it is evaluated again
//        from the first place where it differs: the model then computes exactly what
//        it would for the shorter text. (Turning cached keys to new positions would
//        be cheaper, but each cached number has seen what was dropped.)
// Contract: a prefix is kept whole: of a chat what the template makes of the system
//        message and of the exchanges that remain, of a prompt the prompt, of --raw
//        the token that begins a text. In a chat, the oldest exchanges go first; what
//        else is dropped is the older half of the answer so far (with --raw: of the
//        text). shift() says no when that frees nothing.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/main/Conversation.h"
#include "runtime/main/Program.h"

namespace nibble::rt {

/// The choice of the command line, of the compiler, or the usual one: a chat shifts, an answer stops.
bool shiftsWhenFull(const Program &program);

class ContextShift {
public:
  /// `prefix`: tokens of history() that stay. `conversation`: whose last message is the answer so far; null without.
  ContextShift(Program &program, size_t prefix, Conversation *conversation)
      : program(program), prefix(prefix), conversation(conversation) {}

  /// Feeds what is kept; true if there is room behind it. For GenerateOptions.
  static bool makeRoom(void *self) { return static_cast<ContextShift *>(self)->shift(); }

private:
  bool shift();
  bool forgetExchanges(size_t answered);

  Program &program;
  size_t prefix;
  Conversation *conversation;
  bool refused = false; // by the chat template
};

} // namespace nibble::rt
