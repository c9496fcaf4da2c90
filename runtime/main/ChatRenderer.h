//===- ChatRenderer.h - a conversation as token ids --------------*- C++ -*-===//
//
// What:  renders messages with the model's chat template and tokenizes the result.
// Contract: control tokens are recognised only in what the template wrote. A base
//        model has no template: Exit::Usage, and the sentence names --raw.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/main/Program.h"

namespace nibble::rt {

struct ChatMessage {
  std::string_view role, content;
};

/// Workspace that rendering needs; 0 for a base model.
size_t chatWorkspaceBytes(const schema::Artifact &description);

/// The ids of the conversation with the beginning of an answer behind it.
Status encodeConversation(Program &program, std::span<const ChatMessage> messages, std::span<const int32_t> &ids);

} // namespace nibble::rt
