//===- Answer.cpp - one prompt, one answer -------------------------------===//
//
// The default mode of the program: read the prompt, evaluate it, stream what the
// model makes of it.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/ChatRenderer.h"
#include "runtime/main/ContextShift.h"
#include "runtime/main/Program.h"
#include "runtime/platform/Clock.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace nibble::rt {

Status readPrompt(std::string_view path, std::span<char> buffer, std::string_view &text) {
  int file = path == "-" ? 0 : open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Status::failure(Exit::Usage, "cannot open %s: %s", path.data(), strerror(errno));
  size_t size = 0;
  Status status = Status::success();
  for (;;) {
    char beyond; // tells a full buffer from a file that goes on
    bool full = size == buffer.size();
    ssize_t got = full ? readInput(file, &beyond, 1) : readInput(file, buffer.data() + size, buffer.size() - size);
    if (got < 0)
      status = Status::failure(Exit::Usage, "cannot read %s: %s", path.data(), strerror(errno));
    else if (got > 0 && full)
      status = Status::failure(Exit::Usage, "%s is too long: this program takes prompts of at most %zu bytes",
                               path.data(), buffer.size());
    if (got <= 0 || full)
      break;
    size += static_cast<size_t>(got);
  }
  if (file != 0)
    close(file);
  if (size && buffer[size - 1] == '\n')
    --size;
  text = {buffer.data(), size};
  return status;
}

/// Puts what was loaded in front of the `count` ids that lie in program.ids: a text goes on.
static Status continueText(Program &program, size_t count, std::span<const int32_t> &ids) {
  std::span<const int32_t> before = program.session.history();
  size_t first = before.size() + (program.pendingToken >= 0);
  if (first + count > program.ids.size())
    return Status::failure(Exit::Usage, "the prompt has %zu tokens, which is beyond all contexts", first + count);
  std::copy_backward(program.ids.begin(), program.ids.begin() + count, program.ids.begin() + first + count);
  std::copy(before.begin(), before.end(), program.ids.begin());
  if (program.pendingToken >= 0)
    program.ids[before.size()] = program.pendingToken;
  ids = program.ids.first(first + count);
  return Status::success();
}

/// The ids of a text that no template surrounds.
static Status rawIds(Program &program, std::string_view prompt, std::span<const int32_t> &ids) {
  const Options &options = program.options;
  size_t count = 0;
  Status status = Status::success();
  if (!options.tokens.empty()) {
    status = parseIds(options.tokens, program.description().config()->vocab(), program.ids, count);
  } else {
    EncodeOptions encoding;
    encoding.addSpecial = program.restoredTokens == 0; // a text begins once
    encoding.specials = options.special ? SpecialTokens::All : SpecialTokens::UserDefined;
    status = program.encode(prompt, encoding, ids);
    count = ids.size();
  }
  return status.failed() ? status : continueText(program, count, ids);
}

Status promptIds(Program &program, std::span<const int32_t> &ids) {
  const Options &options = program.options;
  std::string_view prompt = options.prompt;
  Conversation &conversation = program.conversation;
  if (!options.file.empty()) {
    Status status = readPrompt(options.file, conversation.room(), prompt);
    if (status.failed())
      return status;
  }
  if (options.raw || !options.tokens.empty())
    return rawIds(program, prompt, ids);
  if (!options.loadState.empty() && conversation.isEmpty())
    return Status::failure(Exit::Usage, "%s holds a text, not a conversation: go on with --raw",
                           options.loadState.data());
  bool added = options.file.empty() ? conversation.add("user", prompt) : conversation.add("user", prompt.size());
  if (!added)
    return Status::failure(Exit::Usage, "the prompt has %zu bytes; a context of %u tokens holds at most %zu more",
                           prompt.size(), program.description().config()->context(), conversation.room().size());
  bool tooLong;
  return encodeConversation(program, conversation.all(), ids, tooLong);
}

static const char *describe(StopReason reason) {
  switch (reason) {
  case StopReason::EndOfGeneration:
    return "end of answer";
  case StopReason::StopString:
    return "stop text";
  case StopReason::Length:
    return "length";
  case StopReason::ContextFull:
    return "context full";
  case StopReason::Interrupted:
    return "interrupted";
  case StopReason::NotANumber:
    return "not a number";
  }
  return "?";
}

void printSummary(Program &program, StopReason reason) {
  program.out.flush();
  if (reason == StopReason::ContextFull)
    program.err.print("note: the context of %u tokens is full\n", program.context);
  const Timing &times = program.session.timing();
  if (!program.options.quiet) {
    auto rate = [](size_t tokens, double seconds) { return seconds > 0 ? double(tokens) / seconds : 0.0; };
    // The first token of an answer comes from the logits of the prompt.
    size_t evaluated = times.decodeTokens ? times.decodeTokens - 1 : 0;
    program.err.print("[prompt %zu tokens", times.prefillTokens);
    if (times.reusedTokens)
      program.err.print(" + %zu kept", times.reusedTokens);
    program.err.print(
        ", %.2f s, %.1f tokens/s | answer %zu tokens, %.2f s, %.1f tokens/s | %s | %u threads | seed %llu "
        "| peak %.1f MiB]\n",
        times.prefillSeconds, rate(times.prefillTokens, times.prefillSeconds), times.decodeTokens, times.decodeSeconds,
        rate(evaluated, times.decodeSeconds), describe(reason), program.threads,
        static_cast<unsigned long long>(program.options.seed), double(peakResidentBytes()) / 1048576);
  }
  program.session.timing() = {};
  program.err.flush();
}

int exitCodeOf(Program &program, StopReason reason) {
  if (reason == StopReason::NotANumber)
    return program.fail(Status::failure(Exit::Internal, "the model computed no finite logits"));
  return program.finish(reason == StopReason::Interrupted ? ExitInterrupted : 0);
}

static void printId(void *context, int32_t id) {
  auto &out = *static_cast<Output *>(context);
  out.print("%d ", id);
  out.flush();
}

static int printPromptIds(Program &program, std::span<const int32_t> ids) {
  for (int32_t id : ids)
    program.out.print("%d ", id);
  program.out.write("\n");
  return program.finish();
}

int runAnswer(Program &program) {
  std::span<const int32_t> ids;
  Status status = promptIds(program, ids);
  if (!status.failed() && program.options.tokenize)
    return printPromptIds(program, ids);
  if (!status.failed())
    status = program.checkFits(ids.size());
  if (status.failed())
    return program.fail(status);
  StopReason reason = StopReason::Interrupted;
  if (program.session.feed(ids)) {
    GenerateOptions generate;
    generate.limit = program.options.generate == Options::UnsetInteger ? -1 : program.options.generate;
    generate.dropLeadingSpace = !program.options.raw && program.tokenizer.dropsLeadingSpace();
    generate.onToken = program.options.printIds ? printId : nullptr;
    generate.context = &program.out;
    // Of a text without form, what began it goes, too.
    bool hasBos = !ids.empty() && ids[0] == program.tokenizer.bos();
    ContextShift shift(program, program.options.raw ? hasBos : ids.size(), nullptr);
    generate.makeRoom = shiftsWhenFull(program) ? ContextShift::makeRoom : nullptr;
    generate.roomContext = &shift;
    AnswerSink sink{&program};
    bool talks = !program.options.raw && program.options.tokens.empty() && !program.options.printIds;
    if (talks && program.conversation.add("assistant", size_t(0)))
      program.stream.redirect(AnswerSink::write, &sink);
    reason = program.session.generate(program.sampler, program.stream, generate);
  }
  program.out.write("\n");
  printSummary(program, reason);
  status = saveState(program, reason == StopReason::NotANumber ? -1 : program.session.pending());
  return status.failed() ? program.fail(status) : exitCodeOf(program, reason);
}

} // namespace nibble::rt
