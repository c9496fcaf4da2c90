//===- ChatRenderer.cpp - a conversation as token ids --------------------===//
//
// See ChatRenderer.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/ChatRenderer.h"

#include "runtime/schema/artifact_generated.h"

namespace nibble::rt {

size_t chatWorkspaceBytes(const schema::Artifact &description) { return 0; }

Status encodeConversation(Program &program, std::span<const ChatMessage> messages, std::span<const int32_t> &ids) {
  if (!program.description().chat())
    return Status::failure(Exit::Usage, "this is a base model without a chat template: use --raw to continue a text");
  return Status::failure(Exit::Unsupported, "chat templates are not supported yet");
}

} // namespace nibble::rt
