//===- Prefix.cpp - reading the beginning of every conversation -----------===//
//
// --prefix-file: evaluates a text and saves the state behind it, with which the compiler builds a program that has read
// it already. Of a system message that is the part which is the same for all questions.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/ChatRenderer.h"
#include "runtime/main/Program.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>

namespace nibble::rt {

/// The ids that every conversation with this system message begins with: those that renderings with different questions
/// have in common.
static Status commonIds(Program &program, std::span<const int32_t> &ids) {
  std::span<int32_t> common;
  for (std::string_view question : {"a", "Z", "7", " ?"}) {
    bool tooLong;
    if (!program.conversation.add("user", question))
      return Status::failure(Exit::Usage, "the prefix fills the room for texts; it has to be shorter");
    Status status = encodeConversation(program, program.conversation.all(), ids, tooLong);
    program.conversation.removeLast();
    if (!status.failed())
      status = program.checkFits(ids.size());
    if (status.failed())
      return status;
    if (common.empty()) {
      common = program.ids.last(ids.size()); // ids are encoded from the front
      std::copy(ids.begin(), ids.end(), common.begin());
    }
    common = common.first(std::mismatch(common.begin(), common.end(), ids.begin(), ids.end()).first - common.begin());
  }
  ids = common;
  return Status::success();
}

int runPrefix(Program &program) {
  std::string_view text;
  Status status = readPrompt(program.options.prefixFile, program.conversation.room(), text);
  if (status.failed())
    return program.fail(status);
  std::span<const int32_t> ids;
  if (program.description().chat()) {
    program.conversation.addSystem(text.size());
    status = commonIds(program, ids);
  } else {
    EncodeOptions encoding;
    encoding.addSpecial = true;
    encoding.specials = SpecialTokens::UserDefined;
    status = program.encode(text, encoding, ids);
  }
  if (!status.failed())
    status = program.checkFits(ids.size());
  if (status.failed())
    return program.fail(status);
  if (!program.session.feed(ids))
    return program.finish(ExitInterrupted);
  status = saveState(program, -1);
  if (status.failed())
    return program.fail(status);
  if (!program.options.quiet)
    program.err.print("[%zu tokens in %s]\n", ids.size(), program.options.saveState.data());
  return program.finish();
}

} // namespace nibble::rt
