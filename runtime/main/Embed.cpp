//===- Embed.cpp - vectors of texts ---------------------------------------===//
//
// --embed prints the vector of the prompt, or of each line of a file, one a line: numbers that read back as the same
// float32, with --json a list, with --f32 their bytes. A text that is longer than the context is an error that says so;
// nothing is cut off. Files are read line by line, so that their length does not matter.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/Program.h"
#include "runtime/platform/Clock.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace nibble::rt {

namespace {

/// The lines of a file, each in turn, in a buffer that the longest must fit.
class LineReader {
public:
  explicit LineReader(std::span<char> buffer) : buffer(buffer) {}
  ~LineReader() {
    if (file > 0)
      close(file);
  }

  Status open(std::string_view newPath) {
    path = newPath;
    file = path == "-" ? 0 : ::open(path.data(), O_RDONLY | O_CLOEXEC);
    return file < 0 ? Status::failure(Exit::Usage, "cannot open %s: %s", path.data(), strerror(errno))
                    : Status::success();
  }

  /// `more` is false behind the last line.
  Status next(std::string_view &line, bool &more) {
    for (size_t scanned = begin;;) {
      const char *found = std::find(buffer.data() + scanned, buffer.data() + end, '\n');
      bool complete = found != buffer.data() + end;
      if (complete || ended) {
        more = complete || begin < end;
        line = {buffer.data() + begin, static_cast<size_t>(found - buffer.data()) - begin};
        if (line.ends_with('\r'))
          line.remove_suffix(1);
        begin = static_cast<size_t>(found - buffer.data()) + complete;
        ++number;
        return Status::success();
      }
      std::copy(buffer.begin() + begin, buffer.begin() + end, buffer.begin());
      end -= begin, scanned = end, begin = 0;
      Status status = fill();
      if (status.failed())
        return status;
    }
  }
  size_t lineNumber() const { return number; }

private:
  Status fill() {
    if (end == buffer.size())
      return Status::failure(Exit::Usage, "%s, line %zu is longer than the %zu bytes that this program takes",
                             path.data(), number + 1, buffer.size());
    ssize_t got = readInput(file, buffer.data() + end, buffer.size() - end);
    if (got < 0)
      return Status::failure(Exit::Usage, "cannot read %s: %s", path.data(), strerror(errno));
    ended = got == 0;
    end += static_cast<size_t>(got);
    return Status::success();
  }

  std::span<char> buffer;
  std::string_view path;
  int file = -1;
  size_t begin = 0, end = 0, number = 0;
  bool ended = false;
};

/// Texts and tokens so far.
struct Total {
  size_t texts = 0, tokens = 0;
};

} // namespace

static void printVector(Program &program, std::span<const float> vector) {
  Output &out = program.out;
  if (program.options.f32)
    return out.write({reinterpret_cast<const char *>(vector.data()), vector.size_bytes()});
  bool json = program.options.json;
  out.write(json ? "[" : "");
  for (size_t i = 0; i < vector.size(); ++i)
    out.print("%s%.9g", i == 0 ? "" : json ? ", " : " ", static_cast<double>(vector[i]));
  out.write(json ? "]\n" : "\n");
}

static Status embedIds(Program &program, std::span<const int32_t> ids, size_t line, Total &total) {
  char place[48] = "the text";
  if (line)
    snprintf(place, sizeof(place), "line %zu", line);
  if (ids.empty())
    return Status::failure(Exit::Usage, "%s is empty", place);
  if (ids.size() > program.context)
    return Status::failure(Exit::Usage, "%s has %zu tokens; the context holds %u", place, ids.size(), program.context);
  program.engine.embed(ids);
  printVector(program, program.engine.logits().first(program.description().config()->vector()));
  ++total.texts;
  total.tokens += ids.size();
  return Status::success();
}

static Status embedText(Program &program, std::string_view text, size_t line, Total &total) {
  std::span<const int32_t> ids;
  Status status = program.encode(text, {.addSpecial = true}, ids);
  return status.failed() ? status : embedIds(program, ids, line, total);
}

static Status embedFile(Program &program, Total &total) {
  LineReader reader(program.text);
  Status status = reader.open(program.options.file);
  for (bool more = true; !status.failed() && !interrupted;) {
    std::string_view line;
    status = reader.next(line, more);
    if (status.failed() || !more)
      break;
    status = embedText(program, line, reader.lineNumber(), total);
  }
  return status;
}

static Status embedPrompt(Program &program, Total &total) {
  const Options &options = program.options;
  if (!options.file.empty())
    return embedFile(program, total);
  if (options.tokens.empty())
    return embedText(program, options.prompt, 0, total);
  size_t count = 0;
  Status status = parseIds(options.tokens, program.description().config()->vocab(), program.ids, count);
  return status.failed() ? status : embedIds(program, program.ids.first(count), 0, total);
}

int runEmbed(Program &program) {
  Total total;
  double start = monotonicSeconds();
  Status status = embedPrompt(program, total);
  if (status.failed())
    return program.fail(status);
  program.out.flush();
  if (!program.options.quiet)
    program.err.print("%zu texts, %zu tokens in %.3f s, peak %.1f MiB\n", total.texts, total.tokens,
                      monotonicSeconds() - start, double(peakResidentBytes()) / 1048576);
  return program.finish(interrupted ? ExitInterrupted : 0);
}

} // namespace nibble::rt
