//===- Chat.cpp - a conversation at the terminal -------------------------===//
//
// -i: reads a line, answers, and so on. Each turn renders the whole conversation;
// the session evaluates only what the KV cache does not hold. When the context is
// full, the oldest exchange is forgotten, and the user is told (--on-full=stop: is
// refused).
//
//===----------------------------------------------------------------------===//
#include "runtime/main/ChatRenderer.h"
#include "runtime/main/ContextShift.h"
#include "runtime/main/Conversation.h"
#include "runtime/main/Program.h"
#include "runtime/schema/artifact_generated.h"

#include <cerrno>
#include <unistd.h>

namespace nibble::rt {

namespace {

enum class Line { Read, TooLong, End };

/// Lines of standard input.
class LineReader {
public:
  /// Reads up to the line end into `buffer`. A line that is too long is skipped as a whole.
  Line next(std::span<char> buffer, size_t &size) {
    size = 0;
    bool tooLong = false;
    for (;;) {
      if (position == filled && !fill())
        return size && !tooLong && !interrupted ? Line::Read : Line::End;
      char c = chunk[position++];
      if (c == '\n')
        return tooLong ? Line::TooLong : Line::Read;
      if (size < buffer.size())
        buffer[size++] = c;
      else
        tooLong = true;
    }
  }

private:
  bool fill() {
    ssize_t got = readInput(0, chunk, sizeof(chunk)); // EINTR: Ctrl-C at the prompt, the end
    position = 0;
    filled = got > 0 ? static_cast<size_t>(got) : 0;
    return got > 0;
  }

  char chunk[4096];
  size_t position = 0, filled = 0;
};

} // namespace

/// Positions kept free for an answer before older exchanges are forgotten: an eighth of the context.
static size_t reserveFor(const Program &program) { return program.context / 8; }

/// The ids of the conversation, after forgetting what no longer fits.
static Status fitConversation(Program &program, Conversation &conversation, std::span<const int32_t> &ids) {
  bool forgot = false;
  for (;;) {
    bool tooLong;
    Status status = encodeConversation(program, conversation.all(), ids, tooLong);
    tooLong |= !status.failed() && ids.size() + reserveFor(program) > program.context;
    if (tooLong && shiftsWhenFull(program) && conversation.forgetOldest()) {
      forgot = true;
      continue;
    }
    if (status.failed())
      return status;
    if (forgot)
      program.err.write("note: the context is full; the oldest messages are forgotten\n");
    return program.checkFits(ids.size());
  }
}

/// One turn: the question has been added. Returns how its answer ended.
static StopReason answer(Program &program, Conversation &conversation, std::span<const int32_t> ids) {
  if (!program.session.feed(ids))
    return StopReason::Interrupted;
  GenerateOptions generate;
  generate.limit = program.options.generate == Options::UnsetInteger ? -1 : program.options.generate;
  generate.dropLeadingSpace = program.tokenizer.dropsLeadingSpace();
  AnswerSink sink{&program};
  program.stream.redirect(AnswerSink::write, &sink);
  program.stream.restart();
  conversation.add("assistant", size_t(0));
  ContextShift shift(program, ids.size(), &conversation);
  generate.makeRoom = shiftsWhenFull(program) ? ContextShift::makeRoom : nullptr;
  generate.roomContext = &shift;
  return program.session.generate(program.sampler, program.stream, generate);
}

int runChat(Program &program) {
  if (!program.description().chat())
    return program.fail(Status::failure(
        Exit::Usage, "this is a base model without a chat template: it cannot chat; use --raw to continue a text"));
  Conversation &conversation = program.conversation;
  static LineReader lines;
  bool terminal = isatty(0);
  for (;;) {
    if (terminal)
      program.err.write("> ");
    program.err.flush();
    while ((conversation.room().size() < program.text.size() / 4 || conversation.isFull()) &&
           conversation.forgetOldest()) {
    }
    size_t size = 0;
    Line line = lines.next(conversation.room(), size);
    if (line == Line::End)
      break;
    if (line == Line::TooLong || (line == Line::Read && size && !conversation.add("user", size))) {
      program.err.print("error: that is too long; at most %zu bytes fit\n", conversation.room().size());
      continue;
    }
    if (!size)
      continue;
    std::span<const int32_t> ids;
    Status status = fitConversation(program, conversation, ids);
    if (status.failed()) {
      conversation.removeLast();
      if (status.code() != Exit::Usage)
        return program.fail(status);
      program.err.print("error: %s\n", status.text());
      continue;
    }
    StopReason reason = answer(program, conversation, ids);
    program.out.write("\n");
    printSummary(program, reason);
    if (reason == StopReason::NotANumber)
      return exitCodeOf(program, reason);
    interrupted = false;
    if (conversation.all().back().role == "user")
      conversation.removeLast(); // interrupted before the answer began
  }
  if (terminal)
    program.err.write("\n");
  Status status = saveState(program, -1);
  return status.failed() ? program.fail(status) : program.finish();
}

} // namespace nibble::rt
