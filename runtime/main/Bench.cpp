//===- Bench.cpp - how fast this program is here -------------------------===//
//
// --bench: prefill of -p tokens and decode of -n tokens, each from an empty cache
// or behind -d positions (the convention of llama-bench), several times; the median
// counts. What the positions before hold has no influence on the time: they stay as
// they are. The time to the first token is that of the first prefill and includes
// the start of the program, reading the weights and sampling: what a user waits.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/Program.h"
#include "runtime/platform/Clock.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>

namespace nibble::rt {

static constexpr size_t Runs = 5;

struct Measurement {
  size_t tokens = 0;
  double seconds[Runs] = {}; // ascending after sort

  void sort() { std::sort(seconds, seconds + Runs); }
  double median() const { return double(tokens) / seconds[Runs / 2]; }
  double best() const { return double(tokens) / seconds[0]; }
  double worst() const { return double(tokens) / seconds[Runs - 1]; }
};

static void printJson(Program &program, const Measurement &prefill, const Measurement &decode, double first) {
  const char *name = program.description().model_name() ? program.description().model_name()->c_str() : "";
  Output &out = program.out;
  out.write("{\"model\": \"");
  out.writeJson(name);
  out.print("\", \"threads\": %u, \"runs\": %zu", program.threads, Runs);
  auto print = [&](const char *phase, const Measurement &m) {
    out.print(", \"%s\": {\"tokens\": %zu, \"median_tokens_per_second\": %.3f, \"best\": %.3f, \"worst\": %.3f}", phase,
              m.tokens, m.median(), m.best(), m.worst());
  };
  print("prefill", prefill);
  print("decode", decode);
  out.print(", \"time_to_first_token_seconds\": %.6f, \"peak_resident_bytes\": %llu, \"planned_bytes\": %llu}\n", first,
            static_cast<unsigned long long>(peakResidentBytes()),
            static_cast<unsigned long long>(program.plannedBytes()));
}

static void printText(Program &program, const Measurement &prefill, const Measurement &decode, double first) {
  Output &out = program.out;
  auto print = [&](const char *phase, const Measurement &m) {
    out.print("%-8s %5zu tokens  %10.2f tokens/s  (median of %zu; %.2f to %.2f)\n", phase, m.tokens, m.median(), Runs,
              m.worst(), m.best());
  };
  print("prefill", prefill);
  print("decode", decode);
  out.print("first token after %.3f s (start, prefill of %zu tokens, sampling)\n", first, prefill.tokens);
  out.print("peak memory %.1f MiB, planned %.1f MiB, %u threads\n", double(peakResidentBytes()) / 1048576,
            double(program.plannedBytes()) / 1048576, program.threads);
}

int runBench(Program &program) {
  const Options &options = program.options;
  uint64_t depth = static_cast<uint64_t>(std::max(options.benchDepth, 0));
  uint32_t room = depth < program.context ? static_cast<uint32_t>(program.context - depth) : 1;
  auto size = [&](int32_t option, uint32_t standard) {
    return option <= 0 ? std::min(standard, room) : static_cast<uint32_t>(option);
  };
  Measurement prefill, decode;
  prefill.tokens = size(options.benchPrompt, 512);
  decode.tokens = size(options.generate, 64);
  if (std::max(prefill.tokens, decode.tokens) + depth > program.context)
    return program.fail(Status::failure(
        Exit::Usage, "--bench: -p and -n, each with -d, must be at most the context of %u tokens", program.context));
  uint32_t vocab = program.description().config()->vocab();
  std::span<int32_t> ids = program.ids.first(prefill.tokens);
  // Any ids do: the time does not depend on them. A stride prime to the vocabulary touches all of the embedding table.
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<int32_t>((i * 7919 + 1) % vocab);

  double first = 0;
  for (size_t run = 0; run < Runs && !interrupted; ++run) {
    double start = monotonicSeconds();
    program.engine.evaluate(ids, static_cast<int64_t>(depth), &interrupted);
    prefill.seconds[run] = monotonicSeconds() - start;
    if (run == 0 && program.sampler.sample(program.engine.logits(), {}) < 0)
      return exitCodeOf(program, StopReason::NotANumber);
    if (run == 0)
      first = monotonicSeconds() - program.startSeconds;
  }
  for (size_t run = 0; run < Runs && !interrupted; ++run) {
    int32_t id = 1 % static_cast<int32_t>(vocab);
    double start = monotonicSeconds();
    for (size_t pos = 0; pos < decode.tokens && !interrupted; ++pos) {
      program.engine.evaluate({&id, 1}, static_cast<int64_t>(depth + pos));
      id = highestLogit(program.engine.logits());
      if (id < 0)
        return exitCodeOf(program, StopReason::NotANumber);
    }
    decode.seconds[run] = monotonicSeconds() - start;
  }
  if (interrupted)
    return program.finish(ExitInterrupted);
  prefill.sort();
  decode.sort();
  if (options.json)
    printJson(program, prefill, decode, first);
  else
    printText(program, prefill, decode, first);
  return program.finish();
}

} // namespace nibble::rt
