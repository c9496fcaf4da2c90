//===- State.cpp - saving a conversation and going on from it -------------===//
//
// --save-state, --load-state and the compiled-in prefix, which is a
// state file inside the program (runtime/schema/StateFile.h). Loading reads straight
// into the buffers that the program has anyway; saving writes a file of its own and
// renames it, so that a file of that name is whole or what it was before.
//
//===----------------------------------------------------------------------===//
#include "runtime/schema/StateFile.h"
#include "runtime/main/ChatRenderer.h"
#include "runtime/main/Program.h"
#include "runtime/schema/Checksum.h"
#include "runtime/schema/artifact_generated.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibble::rt {

using schema::StateHeader;
using schema::StateRole;

namespace {

constexpr std::string_view RoleNames[] = {"system", "user", "assistant"};

/// Calls visit(offset, bytes) for the parts of the state that hold the first `positions`.
template <typename Visit> Status forEachPart(const schema::Artifact &description, uint64_t positions, Visit visit) {
  for (size_t i = 0; description.state_regions() && i < description.state_regions()->size(); ++i) {
    const schema::StateRegion &region = *description.state_regions()->Get(i);
    uint64_t span = region.block_positions(), blocks = region.blocks();
    if (span)
      blocks = std::min(blocks, (positions + span - 1) / span);
    for (uint64_t repeat = 0; blocks && repeat < region.repeats(); ++repeat) {
      Status status = visit(region.offset() + repeat * region.stride(), blocks * region.block_bytes());
      if (status.failed())
        return status;
    }
  }
  return Status::success();
}

uint64_t cacheBytes(const schema::Artifact &description, uint64_t positions) {
  uint64_t sum = 0;
  Status status = forEachPart(description, positions, [&](uint64_t, uint64_t bytes) {
    sum += bytes;
    return Status::success();
  });
  return status.failed() ? 0 : sum;
}

//===--- loading ----------------------------------------------------------===//

/// A state file, or the section of the program that holds one.
class StateReader {
public:
  StateReader(Program &program, int file, uint64_t offset, uint64_t size, std::string_view name)
      : program(program), file(file), position(offset), end(offset + size), name(name) {}

  Status load();

private:
  Status damaged(const char *reason) const {
    return Status::failure(Exit::Damaged, "%.*s is damaged: %s", int(name.size()), name.data(), reason);
  }
  Status read(void *data, size_t bytes);
  Status checkHeader() const;
  Status readTokens();
  Status readMessages();

  Program &program;
  int file;
  uint64_t position, end;
  std::string_view name;
  StateHeader header = {};
  schema::Checksum64 sum;
};

Status StateReader::read(void *data, size_t bytes) {
  auto *at = static_cast<uint8_t *>(data);
  for (size_t done = 0; done < bytes;) {
    ssize_t got = pread(file, at + done, bytes - done, static_cast<off_t>(position));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return damaged(got < 0 ? strerror(errno) : "it ends too early");
    done += static_cast<size_t>(got);
    position += static_cast<uint64_t>(got);
  }
  sum.update(data, bytes);
  return Status::success();
}

/// Refuses what is no state, what is damaged, what another model saved, and what does not fit here.
Status StateReader::checkHeader() const {
  int length = int(name.size());
  const char *text = name.data();
  if (memcmp(header.magic, schema::StateMagic, sizeof(header.magic)) != 0)
    return Status::failure(Exit::Damaged, "%.*s is no saved state", length, text);
  if (header.version != schema::StateVersion || header.headerSize != sizeof(header))
    return Status::failure(Exit::Damaged, "%.*s has state version %u; this program reads version %u", length, text,
                           header.version, schema::StateVersion);
  if (header.checksum != schema::checksum64(&header, offsetof(StateHeader, checksum)))
    return damaged("checksum of its header differs");
  const schema::Artifact &d = program.description();
  if (header.identity != d.state_identity())
    return Status::failure(Exit::Usage,
                           "%.*s belongs to another model or another type of KV cache: it was saved by '%.79s'", length,
                           text, header.modelName);
  if (header.positions > program.context || header.tokenCount > program.ids.size())
    return Status::failure(Exit::Usage, "%.*s holds %llu positions; the context holds %u", length, text,
                           static_cast<unsigned long long>(header.positions), program.context);
  if (header.messageCount > MaxMessages || header.textBytes > program.text.size())
    return Status::failure(Exit::Usage, "%.*s holds a longer conversation than this program's context has room for",
                           length, text);
  bool counts = header.written >= header.positions && header.tokenCount >= header.positions &&
                header.tokenCount <= header.positions + 1 && header.cacheBytes == cacheBytes(d, header.positions);
  uint64_t body = header.tokenCount * 4 + header.messageCount * 4 + header.textBytes + header.cacheBytes;
  if (!counts || body != end - position)
    return damaged("its size does not fit its header");
  return Status::success();
}

Status StateReader::readTokens() {
  std::span<int32_t> history = program.session.historyBuffer();
  Status status = read(history.data(), header.positions * sizeof(int32_t));
  if (!status.failed() && header.tokenCount > header.positions)
    status = read(&program.pendingToken, sizeof(int32_t));
  uint32_t vocab = program.description().config()->vocab();
  bool known = program.pendingToken < static_cast<int32_t>(vocab) &&
               std::all_of(history.begin(), history.begin() + header.positions,
                           [&](int32_t id) { return id >= 0 && id < static_cast<int32_t>(vocab); });
  return status.failed() || known ? status : damaged("it holds a token that the model does not have");
}

/// Texts come first into the buffer, then they become messages, so that a message lies where it will stay.
Status StateReader::readMessages() {
  uint32_t records[MaxMessages];
  Status status = read(records, header.messageCount * sizeof(uint32_t));
  if (!status.failed())
    status = read(program.text.data(), header.textBytes);
  if (status.failed())
    return status;
  // --system in place of the one that was compiled in: the messages are forgotten.
  if (!program.options.system.empty())
    return Status::success();
  program.conversation.begin(program.text, {});
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < header.messageCount; ++i) {
    uint32_t role = records[i] & 3, size = records[i] >> 2;
    bytes += size;
    if (role > 2 || bytes > header.textBytes || (role == 0 && i > 0))
      return damaged("its messages contradict themselves");
    if (role == 0)
      program.conversation.addSystem(size);
    else
      program.conversation.add(RoleNames[role], static_cast<size_t>(size));
  }
  return bytes == header.textBytes ? Status::success() : damaged("its messages contradict themselves");
}

Status StateReader::load() {
  if (end - position < sizeof(header))
    return Status::failure(Exit::Damaged, "%.*s is no saved state: it is too short", int(name.size()), name.data());
  Status status = read(&header, sizeof(header));
  if (!status.failed())
    status = checkHeader();
  sum = {};
  if (!status.failed())
    status = readTokens();
  if (!status.failed())
    status = readMessages();
  if (!status.failed())
    status = forEachPart(program.description(), header.positions, [&](uint64_t offset, uint64_t bytes) {
      return read(program.engine.state() + offset, bytes);
    });
  if (!status.failed() && sum.value() != header.bodyChecksum)
    status = damaged("its checksum differs");
  if (status.failed())
    return status;
  program.session.restored(header.positions, header.written);
  program.restoredTokens = header.positions;
  if (program.options.chat && !header.messageCount && program.options.system.empty())
    return Status::failure(Exit::Usage, "%.*s holds a text, not a conversation: go on with --raw", int(name.size()),
                           name.data());
  return status;
}

//===--- saving -----------------------------------------------------------===//

/// Writes to a temporary file beside `path`, which finish() renames.
class StateWriter {
public:
  explicit StateWriter(std::string_view path) : path(path) {}
  ~StateWriter() {
    if (file >= 0) {
      close(file);
      unlink(temporary);
    }
  }

  Status open();
  void write(const void *data, size_t bytes);
  Status finish(StateHeader &header);

private:
  Status failure() const {
    return Status::failure(Exit::Usage, "cannot write %.*s: %s", int(path.size()), path.data(), strerror(error));
  }
  void writeAt(const void *data, size_t bytes, uint64_t offset);

  std::string_view path;
  char temporary[PATH_MAX];
  int file = -1, error = 0;
  uint64_t position = sizeof(StateHeader);
  schema::Checksum64 sum;
};

Status StateWriter::open() {
  struct stat info;
  if (stat(path.data(), &info) == 0 && !S_ISREG(info.st_mode))
    return Status::failure(Exit::Usage, "cannot write %.*s: it is not a regular file", int(path.size()), path.data());
  int length = snprintf(temporary, sizeof(temporary), "%.*s.tmp-%d", int(path.size()), path.data(), int(getpid()));
  error = ENAMETOOLONG;
  if (length > 0 && size_t(length) < sizeof(temporary)) {
    file = ::open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    error = file < 0 ? errno : 0;
  }
  return file < 0 ? failure() : Status::success();
}

void StateWriter::writeAt(const void *data, size_t bytes, uint64_t offset) {
  const auto *at = static_cast<const uint8_t *>(data);
  while (bytes && !error) {
    ssize_t wrote = pwrite(file, at, bytes, static_cast<off_t>(offset));
    if (wrote < 0 && errno != EINTR)
      error = errno;
    if (wrote <= 0)
      continue;
    at += wrote;
    offset += static_cast<uint64_t>(wrote);
    bytes -= static_cast<size_t>(wrote);
  }
}

void StateWriter::write(const void *data, size_t bytes) {
  writeAt(data, bytes, position);
  position += bytes;
  sum.update(data, bytes);
}

Status StateWriter::finish(StateHeader &header) {
  header.bodyChecksum = sum.value();
  header.checksum = schema::checksum64(&header, offsetof(StateHeader, checksum));
  writeAt(&header, sizeof(header), 0);
  if (!error && fsync(file) != 0)
    error = errno;
  if (!error && rename(temporary, std::string_view(path).data()) != 0)
    error = errno;
  if (error)
    return failure(); // the destructor removes the file
  close(file);
  file = -1;
  return Status::success();
}

/// Role and size of each message; their texts are written behind all of them.
uint32_t recordOf(const ChatTurn &message) {
  size_t role = std::find(std::begin(RoleNames), std::end(RoleNames), message.role) - std::begin(RoleNames);
  return static_cast<uint32_t>(message.content.size() << 2 | role);
}

} // namespace

Status saveState(Program &program, int32_t pending) {
  if (program.options.saveState.empty())
    return Status::success();
  const schema::Artifact &d = program.description();
  std::span<const int32_t> history = program.session.history();
  std::span<const ChatTurn> messages = program.conversation.all();
  if (program.options.raw || !program.options.tokens.empty())
    messages = {};
  StateHeader header = {};
  memcpy(header.magic, schema::StateMagic, sizeof(header.magic));
  header.version = schema::StateVersion;
  header.headerSize = sizeof(header);
  header.identity = d.state_identity();
  header.positions = history.size();
  header.written = program.session.written();
  header.tokenCount = history.size() + (pending >= 0);
  header.messageCount = messages.size();
  header.cacheBytes = cacheBytes(d, history.size());
  if (d.model_name())
    snprintf(header.modelName, sizeof(header.modelName), "%s", d.model_name()->c_str());

  StateWriter writer(program.options.saveState);
  Status status = writer.open();
  if (status.failed())
    return status;
  writer.write(history.data(), history.size_bytes());
  if (pending >= 0)
    writer.write(&pending, sizeof(pending));
  for (const ChatTurn &message : messages) {
    uint32_t record = recordOf(message);
    writer.write(&record, sizeof(record));
    header.textBytes += message.content.size();
  }
  for (const ChatTurn &message : messages)
    writer.write(message.content.data(), message.content.size());
  status = forEachPart(d, history.size(), [&](uint64_t offset, uint64_t bytes) {
    writer.write(program.engine.state() + offset, bytes);
    return Status::success();
  });
  return status.failed() ? status : writer.finish(header);
}

Status restoreState(Program &program) {
  const Options &options = program.options;
  if (options.loadState.empty()) {
    const schema::Section *prefix = program.artifact.prefix();
    bool measures = options.bench || options.profile || !options.perplexityFile.empty() || !options.prefixFile.empty();
    if (!prefix || options.noPrefix || measures)
      return Status::success();
    return StateReader(program, program.artifact.descriptor(), prefix->offset(), prefix->size(),
                       "the compiled-in prefix")
        .load();
  }
  int file = open(options.loadState.data(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0)
    return Status::failure(Exit::Usage, "cannot open %s: %s", options.loadState.data(), strerror(errno));
  Status status = StateReader(program, file, 0, static_cast<uint64_t>(info.st_size), options.loadState).load();
  close(file);
  return status;
}

} // namespace nibble::rt
