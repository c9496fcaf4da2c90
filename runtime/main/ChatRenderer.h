//===- ChatRenderer.h - a conversation as token ids --------------*- C++ -*-===//
//
// What:  renders messages with the model's chat template and tokenizes the result.
// Contract: control tokens are recognised only in what the template wrote. BOS is put
//        in front where the model wants one and the template has not written it. A
//        base model has no template: Exit::Usage, and the sentence names --raw.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/main/Program.h"

namespace nibble::rt {

/// The ids of the conversation with the beginning of an answer behind it. `tooLong` tells whether a shorter
/// conversation could succeed.
Status encodeConversation(Program &program, std::span<const ChatTurn> messages, std::span<const int32_t> &ids,
                          bool &tooLong);

/// Where an answer goes: to the screen, and into the conversation.
struct AnswerSink {
  Program *program;

  static void write(void *self, std::string_view piece) {
    Program &program = *static_cast<AnswerSink *>(self)->program;
    program.out.write(piece);
    program.out.flush();
    program.conversation.extend(piece);
  }
};

} // namespace nibble::rt
