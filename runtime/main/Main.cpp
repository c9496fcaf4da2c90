//===- Main.cpp - where an emitted program begins ------------------------===//
//
// Options, artifact, machine, memory, threads, and then the mode that was asked
// for. Nothing of the model runs before the artifact is verified and the processor
// is known to have the features the code was compiled for.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/Program.h"
#include "runtime/platform/Clock.h"
#include "runtime/schema/artifact_generated.h"

namespace nibble::rt {

static int runVerify(Program &program) {
  Status status = program.artifact.verify();
  if (status.failed())
    return program.fail(status);
  program.out.write("program, weights and tables are as they were compiled\n");
  return program.finish();
}

/// A model either continues texts or makes vectors of them.
static Status checkPurpose(const Program &program) {
  const Options &options = program.options;
  bool makesVectors = program.description().config()->vector() != 0;
  if (options.embed && !makesVectors)
    return Status::failure(Exit::Usage,
                           "--embed: this program holds a language model, which makes no vectors of texts");
  if (makesVectors && !options.embed && !options.tokenize)
    return Status::failure(Exit::Usage, "this program makes vectors of texts: --embed TEXT, or --embed -f FILE");
  return Status::success();
}

static int runMode(Program &program) {
  const Options &options = program.options;
  if (options.embed)
    return runEmbed(program);
  if (options.chat)
    return runChat(program);
  if (options.bench)
    return runBench(program);
  if (options.profile)
    return runProfile(program);
  if (!options.logitsFile.empty())
    return runLogits(program);
  if (!options.perplexityFile.empty())
    return runPerplexity(program);
  if (!options.prefixFile.empty())
    return runPrefix(program);
  return runAnswer(program);
}

static int run(Program &program, std::span<char *const> arguments) {
  program.startSeconds = monotonicSeconds();
  Status status = parseOptions(arguments, program.options);
  if (status.failed())
    return program.fail(status);
  if (program.options.help) {
    printHelp(program.out, arguments[0]);
    return program.finish();
  }
  status = program.open("/proc/self/exe", arguments[0]);
  if (status.failed())
    return program.fail(status);
  if (program.options.version)
    return runVersion(program);
  if (program.options.info)
    return runInfo(program);
  if (program.options.verify)
    return runVerify(program);
  status = checkPurpose(program);
  if (!status.failed())
    status = program.start();
  if (status.failed())
    return program.fail(status);
  catchInterrupt();
  int code = runMode(program);
  program.stop();
  return code;
}

} // namespace nibble::rt

int main(int argc, char **argv) {
  static nibble::rt::Program program;
  int code = nibble::rt::run(program, {argv, static_cast<size_t>(argc)});
  program.out.flush();
  program.err.flush();
  return code;
}
