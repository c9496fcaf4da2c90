//===- Profile.cpp - which operation takes how long ----------------------===//
//
// --profile: one prefill of -p tokens and one decode of -n tokens, each from an
// empty cache and after a run to warm up, with the times of every operation of the
// generated code. The program must have been compiled with --profile.
//
// Beside each time stands what the machine allows: the bytes that the operation
// reads and writes (weights and cached state once a call, rows once), over the read
// bandwidth, or its multiplications and additions, over --peak; the larger of the
// two is the time that a perfect operation would take, and `roof` its part of the
// real one. The bandwidth is measured here, before and after, by the same threads:
// they read the packed weights from start to end. Weights that a cache holds are
// read from there, as a decode reads them. Rows stay in caches, so an operation that
// touches rows only can beat that bandwidth.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/Program.h"
#include "runtime/platform/Clock.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>

namespace nibble::rt {

namespace {

/// One pass over the weights by all threads.
struct WeightReader {
  const uint8_t *bytes;
  size_t size;
  std::atomic<uint64_t> sum{0}; // so that the reads are needed

  static void run(void *opaque, int32_t tid, int32_t nthreads) {
    auto &reader = *static_cast<WeightReader *>(opaque);
    constexpr size_t Line = 64, Words = Line / sizeof(uint64_t);
    size_t lines = reader.size / Line;
    const auto *words = reinterpret_cast<const uint64_t *>(reader.bytes);
    uint64_t sums[Words] = {};
    for (size_t line = lines * tid / nthreads, end = lines * (tid + 1) / nthreads; line < end; ++line)
      for (size_t i = 0; i < Words; ++i)
        sums[i] += words[line * Words + i];
    uint64_t sum = 0;
    for (uint64_t part : sums)
      sum += part;
    reader.sum.fetch_add(sum, std::memory_order_relaxed);
  }
};

/// Operations of one phase, and what they took together.
struct Section {
  const char *name;
  size_t tokens;
  double seconds = 0, outsideSeconds = 0;
  uint64_t barriers = 0;
};

/// Bytes, operations and the machine's limits of one operation's calls.
struct Roofline {
  double bytes, operations;
  double leastSeconds; // 0: no limit applies
};

} // namespace

/// Best of a few passes, bytes a second; 0 without weights.
static double readBandwidth(Program &program) {
  WeightReader reader{program.artifact.weights(), program.artifact.weightSize()};
  constexpr double Enough = 0.2; // seconds
  double best = 0, start = monotonicSeconds();
  for (int pass = 0; pass < 3 || (pass < 1000 && monotonicSeconds() - start < Enough); ++pass) {
    double before = monotonicSeconds();
    program.team.run(WeightReader::run, &reader);
    double seconds = monotonicSeconds() - before;
    if (seconds > 0)
      best = std::max(best, static_cast<double>(reader.size) / seconds);
  }
  return best;
}

static Roofline rooflineOf(const schema::ProfileOp &op, const OpTotal &total, double bandwidth, double peak) {
  Roofline roof = {};
  roof.bytes = double(op.bytes()) * double(total.calls) + double(op.row_bytes()) * double(total.rows) +
               double(op.position_bytes()) * double(total.positions);
  roof.operations = double(op.row_operations()) * double(total.rows) +
                    double(op.row_position_operations()) * double(total.rowPositions);
  roof.leastSeconds = std::max(bandwidth > 0 ? roof.bytes / bandwidth : 0, peak > 0 ? roof.operations / peak : 0);
  return roof;
}

static void run(Program &program, Section &section, bool decode) {
  std::span<int32_t> ids = program.ids.first(section.tokens);
  auto once = [&] {
    if (!decode) {
      program.engine.evaluate(ids, 0, &interrupted);
      return;
    }
    for (size_t pos = 0; pos < ids.size() && !interrupted; ++pos)
      program.engine.evaluate(ids.subspan(pos, 1), static_cast<int64_t>(pos));
  };
  once(); // pages mapped, caches and clock as in the middle of an answer
  program.times.clear();
  program.team.times = &program.times;
  double start = monotonicSeconds();
  once();
  section.seconds = monotonicSeconds() - start;
  program.team.times = nullptr;
  section.outsideSeconds = section.seconds;
  for (uint32_t op = 0; op < program.times.size(); ++op) {
    OpTotal total = program.times.total(op);
    section.outsideSeconds -= total.workSeconds + total.waitSeconds;
    section.barriers += total.waits;
  }
}

static void printText(Program &program, const Section &section, double bandwidth, double peak) {
  Output &out = program.out;
  double ms = section.seconds * 1e3, tokens = double(section.tokens);
  out.print("%s of %zu tokens: %.3f ms, %.1f us a token, %.1f barriers a token\n", section.name, section.tokens, ms,
            section.seconds * 1e6 / tokens, double(section.barriers) / tokens);
  out.print("  %-8s %-14s %7s %10s %6s %6s %8s %8s %6s  %s\n", "in", "operation", "calls", "us", "part", "waits",
            "GB/s", "Gops/s", "roof", "what");
  for (uint32_t index = 0; index < program.times.size(); ++index) {
    OpTotal total = program.times.total(index);
    if (total.calls == 0)
      continue;
    const schema::ProfileOp &op = *program.description().profile()->Get(index);
    Roofline roof = rooflineOf(op, total, bandwidth, peak);
    double seconds = total.workSeconds + total.waitSeconds;
    double safe = seconds > 0 ? seconds : 1;
    out.print("  %-8s %-14s %7llu %10.1f %5.1f%% %5.1f%% %8.2f %8.2f %5.1f%%  %s\n", op.function()->c_str(),
              op.name()->c_str(), static_cast<unsigned long long>(total.calls), seconds * 1e6,
              100 * seconds / section.seconds, 100 * total.waitSeconds / safe, roof.bytes / safe * 1e-9,
              roof.operations / safe * 1e-9, 100 * roof.leastSeconds / safe, op.detail()->c_str());
  }
  out.print("  %-8s %-14s %7s %10.1f %5.1f%%\n\n", "-", "steps", "", section.outsideSeconds * 1e6,
            100 * section.outsideSeconds / section.seconds);
}

static void printJson(Program &program, const Section &section, double bandwidth, double peak) {
  Output &out = program.out;
  out.print("{\"phase\": \"%s\", \"tokens\": %zu, \"seconds\": %.9f, \"outside_seconds\": %.9f, "
            "\"barriers_per_token\": %.3f, \"operations\": [",
            section.name, section.tokens, section.seconds, section.outsideSeconds,
            double(section.barriers) / double(section.tokens));
  const char *separator = "";
  for (uint32_t index = 0; index < program.times.size(); ++index) {
    OpTotal total = program.times.total(index);
    if (total.calls == 0)
      continue;
    const schema::ProfileOp &op = *program.description().profile()->Get(index);
    Roofline roof = rooflineOf(op, total, bandwidth, peak);
    out.print("%s{\"function\": \"%s\", \"operation\": \"%s\", \"what\": \"", separator, op.function()->c_str(),
              op.name()->c_str());
    out.writeJson(op.detail()->c_str());
    double seconds = total.workSeconds + total.waitSeconds;
    out.print("\", \"calls\": %llu, \"rows\": %llu, \"seconds\": %.9f, \"wait_seconds\": %.9f, "
              "\"longest_thread_seconds\": %.9f, \"bytes\": %.0f, \"operations\": %.0f, \"roofline_fraction\": %.6f}",
              static_cast<unsigned long long>(total.calls), static_cast<unsigned long long>(total.rows), seconds,
              total.waitSeconds, total.longestSeconds, roof.bytes, roof.operations,
              seconds > 0 ? roof.leastSeconds / seconds : 0.0);
    separator = ", ";
  }
  out.write("]}");
}

int runProfile(Program &program) {
  const Options &options = program.options;
  if (program.times.size() == 0)
    return program.fail(Status::failure(
        Exit::Usage, "--profile: this program cannot measure itself; compile it with nibble compile --profile"));
  auto size = [&](int32_t option, uint32_t standard) {
    return option <= 0 ? std::min(standard, program.context) : static_cast<uint32_t>(option);
  };
  Section sections[] = {{"prefill", size(options.benchPrompt, 512)}, {"decode", size(options.generate, 64)}};
  for (const Section &section : sections)
    if (section.tokens > program.context)
      return program.fail(Status::failure(
          Exit::Usage, "--profile: -p and -n must be at most the context of %u tokens", program.context));
  uint32_t vocab = program.description().config()->vocab();
  for (size_t i = 0; i < std::max(sections[0].tokens, sections[1].tokens); ++i)
    program.ids[i] = static_cast<int32_t>((i * 7919 + 1) % vocab); // as in --bench

  double peak = options.peak == Options::UnsetReal ? 0 : double(options.peak) * 1e9;
  double before = readBandwidth(program);
  Output &out = program.out;
  if (options.json)
    out.print("{\"threads\": %u, \"peak_operations_per_second\": %.0f, \"phases\": [", program.threads, peak);
  for (Section &section : sections) {
    run(program, section, &section != sections);
    if (interrupted)
      return program.finish(ExitInterrupted);
    if (options.json && &section != sections)
      out.write(", ");
    (options.json ? printJson : printText)(program, section, before, peak);
  }
  double after = readBandwidth(program);
  if (options.json)
    out.print("], \"read_bytes_per_second\": [%.0f, %.0f]}\n", before, after);
  else
    out.print("%u threads; the weights are read at %.2f GB/s, %.2f after the runs\n", program.threads, before * 1e-9,
              after * 1e-9);
  return program.finish();
}

} // namespace nibble::rt
