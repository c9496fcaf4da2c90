//===- Program.h - everything an emitted program consists of -----*- C++ -*-===//
//
// What:  owns the parts (artifact, memory, threads, model, tokenizer, session) and
//        starts them in order; the modes of the program (answer, chat, measure)
//        are functions on it.
// Contract: start() verifies the artifact and the machine before any code of the
//        model runs, and allocates all that the program will need. Modes return
//        the exit code; results go to standard output, everything else to
//        standard error.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/Engine.h"
#include "runtime/core/MemoryPlan.h"
#include "runtime/core/Sampler.h"
#include "runtime/core/Session.h"
#include "runtime/main/Conversation.h"
#include "runtime/main/Options.h"
#include "runtime/platform/Artifact.h"
#include "runtime/platform/Memory.h"
#include "runtime/text/ChatTemplate.h"
#include "runtime/text/Tokenizer.h"
#include "runtime/threads/OpTimes.h"

#include <sys/types.h>

namespace nibble::rt {

/// Exit code of an answer that Ctrl-C ended: 128 + SIGINT.
inline constexpr int ExitInterrupted = 130;

struct Program {
  Options options;
  Artifact artifact;
  Block block;
  Team team;
  Engine engine;
  OpTimes times; // of a program that was compiled with --profile
  Tokenizer tokenizer;
  ChatTemplate chat; // unused in a base model
  ChatTime startTime;
  Session session;
  Sampler sampler;
  TextStream stream;
  Conversation conversation; // begins with what was loaded, or with --system
  size_t restoredTokens = 0; // tokens of a loaded state or prefix that the KV cache holds
  int32_t pendingToken = -1; // written as the last one of the loaded text, but not in the cache
  MemoryPlan plan = {};
  uint32_t threads = 1, context = 0;
  double startSeconds = 0; // when main began

  // Carved from the block.
  std::span<char> text, rendered;
  std::span<Segment> segments;
  std::span<int32_t> ids;
  std::span<std::byte> tokenizerWorkspace, chatWorkspace;
  std::span<Candidate> candidates;

  Output out{1};
  Output err{2};

  /// Opens and checks; enough for --info and --version.
  Status open(const char *path, const char *name);
  /// Checks the machine and brings up memory, threads and model.
  Status start();
  void stop();

  /// All that the process occupies, from the plan of this run.
  uint64_t plannedBytes() const { return plan.total(); }

  const schema::Artifact &description() const { return artifact.description(); }

  /// Tokenizes a prompt or a rendered conversation into ids.
  Status encode(std::string_view text, const EncodeOptions &encoding, std::span<const int32_t> &result);
  /// Refuses a prompt that leaves no position for an answer.
  Status checkFits(size_t tokens) const;
  /// Prints the sentence and returns its exit code.
  int fail(const Status &status);
  /// The result of a mode: flushed output, or that it could not be written.
  int finish(int code = 0);

private:
  PlanInputs planInputs() const;
  void carve();
  void resolveSampling();
};

/// True while Ctrl-C has been pressed and not yet been dealt with.
extern std::atomic<bool> interrupted;
/// Lets Ctrl-C set `interrupted`; a second one before it is dealt with ends the program.
void catchInterrupt();

/// read(), which Ctrl-C ends with EINTR even if it came just before; other signals do not end it.
ssize_t readInput(int file, void *to, size_t size);

int runAnswer(Program &program);
int runChat(Program &program);
int runInfo(Program &program);
int runVersion(Program &program);
int runBench(Program &program);
int runLogits(Program &program);
int runPerplexity(Program &program);
int runProfile(Program &program);
int runEmbed(Program &program);
int runPrefix(Program &program);

/// Continues a saved conversation or text: --load-state, or else the compiled-in prefix.
Status restoreState(Program &program);
/// Writes the session and the conversation to --save-state; `pending` is a token that was written but not read, or -1.
Status saveState(Program &program, int32_t pending);

/// Reads a file, or standard input for "-", into `buffer`. One line end at the end is the editor's, not the prompt's.
Status readPrompt(std::string_view path, std::span<char> buffer, std::string_view &text);
/// Reads the prompt of the command line into ids: argument, -f, --tokens; template or raw.
Status promptIds(Program &program, std::span<const int32_t> &ids);
/// Why the answer ended and how fast it was, to standard error.
void printSummary(Program &program, StopReason reason);
/// The exit code that belongs to it; flushes the output.
int exitCodeOf(Program &program, StopReason reason);

} // namespace nibble::rt
