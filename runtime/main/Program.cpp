//===- Program.cpp - everything an emitted program consists of -----------===//
//
// See Program.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/Program.h"

#include "nibble/abi.h"
#include "runtime/platform/Clock.h"
#include "runtime/platform/ProgramImage.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <unistd.h>

namespace nibble::rt {

std::atomic<bool> interrupted{false};

#if defined(__aarch64__)
static constexpr uint16_t NativeMachine = EM_AARCH64;
#else
static constexpr uint16_t NativeMachine = EM_X86_64;
#endif

void catchInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) {
    if (interrupted.exchange(true))
      _exit(ExitInterrupted);
  };
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0; // no SA_RESTART: reading a line has to end
  sigaction(SIGINT, &action, nullptr);
}

ssize_t readInput(int file, void *to, size_t size) {
  // Between a look at the flag and a read that waits, Ctrl-C would be lost: it is let in only while ppoll waits.
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  pollfd input = {file, POLLIN, 0};
  bool ready = false;
  while (!interrupted && !ready)
    ready = ppoll(&input, 1, nullptr, &before) >= 0 || errno != EINTR;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (ready)
    return read(file, to, size);
  errno = EINTR;
  return -1;
}

int Program::fail(const Status &status) {
  out.flush();
  err.print("error: %s\n", status.text());
  err.flush();
  return static_cast<int>(status.code());
}

int Program::finish(int code) {
  out.flush();
  err.flush();
  if (out.failed() && code == 0)
    return fail(Status::failure(Exit::Internal, "cannot write to standard output"));
  return code;
}

Status Program::open(const char *path, const char *name) {
  Status status = artifact.open(path, name);
  if (status.failed())
    return status;
  TextError error = Tokenizer::open(description().tokenizer(), tokenizer);
  if (error != TextError::None)
    return Status::failure(Exit::Damaged, "the tokenizer's tables: %s", describe(error));
  const schema::Config &config = *description().config();
  if (static_cast<uint32_t>(tokenizer.vocabularySize()) > config.vocab())
    return Status::failure(Exit::Damaged, "the tokenizer has %d tokens, the model %u", tokenizer.vocabularySize(),
                           config.vocab());
  if (description().chat() && ChatTemplate::open(description().chat(), chat) != TextError::None)
    return Status::failure(Exit::Damaged, "the chat template's tables contradict themselves");
  uint32_t most = std::min<uint32_t>(description().max_threads(), MaxThreads);
  threads = std::min<uint32_t>(availableProcessors(), most);
  if (options.threads != Options::UnsetInteger) {
    if (static_cast<uint32_t>(options.threads) > most)
      return Status::failure(Exit::Usage, "--threads: this program can use at most %u%s", most,
                             description().memory_budget() ? "; its memory budget has room for no more stacks" : "");
    threads = static_cast<uint32_t>(options.threads);
  }
  context = config.context();
  if (options.context != Options::UnsetInteger) {
    if (static_cast<uint32_t>(options.context) > context)
      return Status::failure(Exit::Usage, "--ctx %d exceeds the context of %u that was compiled in", options.context,
                             context);
    context = static_cast<uint32_t>(options.context);
  }
  plan = computeMemoryPlan(planInputs());
  return Status::success();
}

PlanInputs Program::planInputs() const {
  const schema::Config &config = *description().config();
  PlanInputs inputs;
  inputs.weightBytes = artifact.weightSize();
  inputs.prefixBytes = artifact.prefixBytes();
  inputs.tableBytes = artifact.tableBytes();
  const auto *headers = reinterpret_cast<const Elf64_Phdr *>(getauxval(AT_PHDR));
  inputs.programBytes = segmentBytes(headers, getauxval(AT_PHNUM), NativeMachine);
  inputs.arenaBytes = description().arena_bytes();
  inputs.stateBytes = description().state_bytes();
  inputs.vocab = config.vocab();
  inputs.vector = config.vector();
  inputs.context = config.context();
  inputs.chunk = config.chunk();
  inputs.maxTokenBytes = tokenizer.maxTokenBytes();
  inputs.threads = threads;
  inputs.profiledOps = description().profile() ? description().profile()->size() : 0;
  planChat(description().chat(), inputs);
  return inputs;
}

/// Fills what the command line left open with the model's defaults.
void Program::resolveSampling() {
  SamplerOptions chosen;
  if (const schema::Generation *defaults = description().generation()) {
    chosen.temperature = defaults->temperature();
    chosen.topK = defaults->top_k();
    chosen.topP = defaults->top_p();
    chosen.minP = defaults->min_p();
    chosen.repeatPenalty = defaults->repeat_penalty();
  }
  auto overrideReal = [](float &value, float option) { value = option == Options::UnsetReal ? value : option; };
  overrideReal(chosen.temperature, options.temperature);
  overrideReal(chosen.topP, options.topP);
  overrideReal(chosen.minP, options.minP);
  overrideReal(chosen.repeatPenalty, options.repeatPenalty);
  if (options.topK != Options::UnsetInteger)
    chosen.topK = options.topK;
  if (options.repeatLast != Options::UnsetInteger)
    chosen.repeatLast = options.repeatLast;
  uint32_t random = 0;
  if (!options.hasSeed && getrandom(&random, sizeof(random), 0) == sizeof(random))
    options.seed = random;
  chosen.seed = options.seed;
  sampler.initialize(chosen, candidates);
}

/// Text appears token by token, so it is flushed with every piece.
static void showText(void *output, std::string_view piece) {
  static_cast<Output *>(output)->write(piece);
  static_cast<Output *>(output)->flush();
}

/// With --print-ids the text only serves to find stop strings.
static void dropText(void *, std::string_view) {}

void Program::carve() {
  const schema::Config &config = *description().config();
  EngineBuffers buffers;
  buffers.weights = artifact.weights();
  buffers.arena = block.carveBytes(plan.arena, RegionAlignment);
  buffers.state = block.carveBytes(plan.state, RegionAlignment);
  uint8_t *stacks = block.carveBytes(plan.stacks, RegionAlignment);
  buffers.logits = block.carve<float>(outputCount(config.vocab(), config.vector()));
  candidates = block.carve<Candidate>(candidateCount(config.vocab(), config.vector()));
  std::span<int32_t> history = block.carve<int32_t>(config.context());
  buffers.chunkTokens = block.carve<int32_t>(config.chunk());
  text = block.carve<char>(plan.textBytes);
  rendered = block.carve<char>(plan.rendered);
  segments = block.carve<Segment>(plan.segments / sizeof(Segment));
  ids = block.carve<int32_t>(plan.idCount);
  tokenizerWorkspace = block.carve<std::byte>(plan.tokenizer);
  chatWorkspace = block.carve<std::byte>(plan.chat);
  times.initialize(block.carveBytes(plan.profile), threads,
                   description().profile() ? description().profile()->size() : 0);
  std::span<char> pending = block.carve<char>(plan.stream);
  stream.initialize(pending, {options.stops, options.stopCount},
                    options.printIds ? dropText : showText, &out);

  int started = team.start(static_cast<int>(threads), stacks);
  if (static_cast<uint32_t>(started) < threads) {
    err.print("note: the system allows only %d of %u threads\n", started, threads);
    threads = static_cast<uint32_t>(started);
  }
  engine.initialize(buffers, team, !options.noPrefill);
  session.initialize(engine, tokenizer, history.first(context), &interrupted);
  session.limitRewind(config.max_rewind());
}

/// The time for templates that tell it to the model. Asked once: the C library allocates when it reads the time zone.
static ChatTime localTime() {
  time_t now = time(nullptr);
  tm local;
  if (!localtime_r(&now, &local))
    return {};
  return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec};
}

Status Program::start() {
  if (nibble_abi_version_of_model != NIBBLE_ABI_VERSION)
    return Status::failure(Exit::Damaged, "the model's code has ABI version %u; this runtime has version %u",
                           nibble_abi_version_of_model, NIBBLE_ABI_VERSION);
  Status status = checkMachine(description());
  if (status.failed())
    return status;
  status = artifact.loadWeights(options.residency);
  if (!status.failed())
    status = block.map(plan.blockBytes());
  if (status.failed())
    return status;
  carve();
  resolveSampling();
  if (description().chat() && chat.usesTime())
    startTime = localTime();
  conversation.begin(text, options.system);
  return restoreState(*this);
}

void Program::stop() { team.stop(); }

Status Program::encode(std::string_view input, const EncodeOptions &encoding, std::span<const int32_t> &result) {
  if (input.size() > plan.encodeBytes)
    return Status::failure(Exit::Usage, "the prompt has %zu bytes; a context of %u tokens holds at most %llu",
                           input.size(), description().config()->context(),
                           static_cast<unsigned long long>(plan.encodeBytes));
  size_t count = 0;
  TextError error = tokenizer.encode(input, encoding, tokenizerWorkspace, ids, count);
  // Both are counted for texts that keep their length; a normal form may be several times as long.
  if (error == TextError::WorkspaceTooSmall || error == TextError::OutputTooSmall)
    return Status::failure(Exit::Usage, "the prompt's normal form is longer than a context of %u tokens has room for",
                           description().config()->context());
  if (error != TextError::None)
    return Status::failure(Exit::Internal, "cannot tokenize the prompt: %s", describe(error));
  // A prompt is to be continued: an end-of-text behind it is only for training.
  if (encoding.addSpecial && !description().config()->vector() && description().tokenizer()->add_eos() && count &&
      ids[count - 1] == tokenizer.eos())
    --count;
  result = ids.first(count);
  return Status::success();
}

Status Program::checkFits(size_t tokens) const {
  if (tokens == 0)
    return Status::failure(Exit::Usage, "the prompt is empty, and the model has no token to begin a text with");
  if (tokens <= context)
    return Status::success();
  return Status::failure(Exit::Usage, "the prompt has %zu tokens; the context holds %u%s", tokens, context,
                         context < description().config()->context() ? " (--ctx)" : "");
}

} // namespace nibble::rt
