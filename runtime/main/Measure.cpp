//===- Measure.cpp - what this program computes --------------------------===//
//
// --logits writes the raw logits behind every token of the prompt. --perplexity
// measures a text as llama.cpp's llama-perplexity does, so that the two can be
// compared: the whole text is tokenized once, cut into windows of --ctx (512)
// tokens, an incomplete last one is left out, the first token of a window is
// replaced by BOS where the model wants one, and of each window the second half is
// scored. The file is mapped, and memory for its tokens, before anything is
// measured.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/Numeric.h"
#include "runtime/main/Program.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibble::rt {

namespace {

/// Writes rows of logits to a file.
struct LogitsWriter {
  Program *program;
  int file;
  int error = 0;

  static void row(void *self, size_t) {
    auto &writer = *static_cast<LogitsWriter *>(self);
    std::span<const std::byte> bytes = std::as_bytes(writer.program->engine.logits());
    while (!bytes.empty() && !writer.error) {
      ssize_t wrote = write(writer.file, bytes.data(), bytes.size());
      if (wrote < 0 && errno != EINTR)
        writer.error = errno;
      if (wrote > 0)
        bytes = bytes.subspan(static_cast<size_t>(wrote));
    }
  }
};

/// Sums -ln p(next token) over the second halves of windows.
struct Scorer {
  Program *program;
  std::span<const int32_t> window;
  double sum = 0;
  size_t scored = 0;
  bool broken = false;

  static void row(void *self, size_t index) {
    auto &scorer = *static_cast<Scorer *>(self);
    if (index + 1 == scorer.window.size()) // what follows is in the next window
      return;
    std::span<const float> logits = scorer.program->engine.logits();
    int32_t best = highestLogit(logits);
    scorer.broken |= best < 0;
    if (best < 0)
      return;
    double highest = logits[best], total = 0;
    for (float logit : logits)
      total += exponential(logit - highest);
    scorer.sum += logarithm(total) + highest - logits[scorer.window[index + 1]];
    ++scorer.scored;
  }
};

/// A whole file, read-only.
Status mapFile(std::string_view path, std::string_view &text) {
  int file = open(path.data(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0)
    return Status::failure(Exit::Usage, "cannot open %s: %s", path.data(), strerror(errno));
  auto size = static_cast<size_t>(info.st_size);
  void *base = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
  close(file);
  if (base == MAP_FAILED)
    return Status::failure(Exit::Usage, "%s is empty or cannot be mapped", path.data());
  text = {static_cast<const char *>(base), size};
  return Status::success();
}

} // namespace

int runLogits(Program &program) {
  std::span<const int32_t> ids;
  Status status = promptIds(program, ids);
  if (!status.failed())
    status = program.checkFits(ids.size());
  if (status.failed())
    return program.fail(status);
  std::string_view path = program.options.logitsFile;
  LogitsWriter writer{&program, open(path.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (writer.file < 0)
    return program.fail(Status::failure(Exit::Usage, "cannot write %s: %s", path.data(), strerror(errno)));
  program.engine.evaluateRows(ids, 0, 0, LogitsWriter::row, &writer);
  if (close(writer.file) != 0 && !writer.error)
    writer.error = errno;
  if (writer.error)
    return program.fail(Status::failure(Exit::Usage, "cannot write %s: %s", path.data(), strerror(writer.error)));
  if (!program.options.quiet)
    program.err.print("[%zu rows of %zu float32 in %s]\n", ids.size(), program.engine.logits().size(), path.data());
  return program.finish();
}

int runPerplexity(Program &program) {
  std::string_view text;
  Status status = mapFile(program.options.perplexityFile, text);
  Block block;
  size_t idBytes = alignTo(Tokenizer::maxTokens(text.size()) * sizeof(int32_t), CarveAlignment);
  if (!status.failed())
    status = block.map(idBytes + Tokenizer::workspaceSize(text.size()));
  if (status.failed())
    return program.fail(status);
  std::span<int32_t> ids = block.carve<int32_t>(Tokenizer::maxTokens(text.size()));
  std::span<std::byte> workspace = block.carve<std::byte>(Tokenizer::workspaceSize(text.size()));
  EncodeOptions encoding;
  encoding.addSpecial = true;
  encoding.specials = SpecialTokens::UserDefined;
  size_t count = 0;
  TextError error = program.tokenizer.encode(text, encoding, workspace, ids, count);
  if (error != TextError::None)
    return program.fail(Status::failure(Exit::Internal, "cannot tokenize: %s", describe(error)));

  uint32_t window =
      program.options.context == Options::UnsetInteger ? std::min(512u, program.context) : program.context;
  size_t windows = count / window;
  if (!windows)
    return program.fail(Status::failure(Exit::Usage, "the text has %zu tokens, fewer than one window of %u", count,
                                        window));
  bool bos = program.description().tokenizer()->add_bos();
  Scorer scorer{&program, {}};
  for (size_t i = 0; i < windows && !interrupted; ++i) {
    std::span<int32_t> part = ids.subspan(i * window, window);
    if (bos)
      part[0] = program.tokenizer.bos();
    scorer.window = part;
    program.engine.evaluateRows(part, 0, window / 2, Scorer::row, &scorer);
    if (scorer.broken)
      return exitCodeOf(program, StopReason::NotANumber);
    if (!program.options.quiet) {
      program.err.print("[%zu/%zu] %.4f\n", i + 1, windows, exponential(scorer.sum / double(scorer.scored)));
      program.err.flush();
    }
  }
  if (!scorer.scored)
    return program.fail(Status::failure(Exit::Usage, "windows of %u tokens leave nothing to score", window));
  double perplexity = exponential(scorer.sum / double(scorer.scored));
  const char *format = program.options.json
                           ? "{\"perplexity\": %.6f, \"tokens\": %zu, \"windows\": %zu, \"window\": %u}\n"
                           : "perplexity %.4f over %zu tokens (%zu windows of %u)\n";
  program.out.print(format, perplexity, scorer.scored, windows, window);
  return program.finish(interrupted ? ExitInterrupted : 0);
}

} // namespace nibble::rt
