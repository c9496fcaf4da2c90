//===- ArtifactWriter.cpp - writes the emitted program --------------------===//
//
// See ArtifactWriter.h.
//
//===----------------------------------------------------------------------===//
#include "compiler/Link/ArtifactWriter.h"

#include "nibble/abi.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace llvm;

namespace nibble {

/// Small pieces are gathered up to this size.
static constexpr size_t BufferBytes = 1 << 20;

static Error fileError(StringRef path, std::error_code code) {
  return createStringError(code, "cannot write " + path + ": " + code.message());
}

Expected<flatbuffers::DetachedBuffer> serialize(const ArtifactDescription &d, uint64_t weightsOffset,
                                                uint64_t weightsSize, uint64_t weightsChecksum) {
  flatbuffers::FlatBufferBuilder b;
  auto string = [&](const std::string &text) { return b.CreateString(text); };
  auto config = schema::CreateConfig(b, d.layers, d.embedding, d.heads, d.kvHeads, d.headDim, d.feedForward, d.vocab,
                                     d.context, d.chunk, string(d.kv), d.maxRewind, d.vector);
  auto target = schema::CreateTarget(b, string(d.triple), string(d.cpu), b.CreateVectorOfStrings(d.features));
  auto weights = schema::CreateWeightSection(b, weightsOffset, weightsSize, weightsChecksum);
  std::vector<flatbuffers::Offset<schema::Tensor>> tensors;
  for (const ArtifactDescription::Tensor &tensor : d.tensors)
    tensors.push_back(schema::CreateTensor(b, string(tensor.name), string(tensor.format), tensor.offset, tensor.bytes,
                                           tensor.checksum));
  std::vector<flatbuffers::Offset<schema::MemoryRow>> rows;
  for (const ArtifactDescription::MemoryRow &row : d.memoryPlan)
    rows.push_back(schema::CreateMemoryRow(b, string(row.name), row.bytes));
  std::vector<flatbuffers::Offset<schema::ProfileOp>> profile;
  for (const ArtifactDescription::ProfileOp &op : d.profile)
    profile.push_back(schema::CreateProfileOp(b, string(op.function), string(op.name), string(op.detail), op.bytes,
                                              op.rowBytes, op.positionBytes, op.rowOperations,
                                              op.rowPositionOperations));
  auto generation =
      schema::CreateGeneration(b, d.temperature, d.topK, d.topP, d.minP, d.repeatPenalty,
                               d.onFull.empty() ? flatbuffers::Offset<flatbuffers::String>() : string(d.onFull));
  Expected<flatbuffers::Offset<schema::Tokenizer>> tokenizer = d.tokenizer(b);
  if (!tokenizer)
    return tokenizer.takeError();
  Expected<flatbuffers::Offset<schema::ChatTemplate>> chat =
      d.chat ? d.chat(b) : flatbuffers::Offset<schema::ChatTemplate>();
  if (!chat)
    return chat.takeError();
  std::vector<flatbuffers::Offset<schema::Section>> parts;
  for (const ArtifactDescription::Section &part : d.sections)
    parts.push_back(schema::CreateSection(b, string(part.name), part.offset, part.size, part.checksum));
  auto partVector = b.CreateVector(parts);
  auto regionVector = b.CreateVectorOfStructs(d.stateRegions);
  auto tensorVector = b.CreateVector(tensors);
  auto rowVector = b.CreateVector(rows);
  auto profileVector = b.CreateVector(profile);
  auto modelName = string(d.modelName), architecture = string(d.architecture), version = string(d.compilerVersion),
       sourceName = string(d.sourceName), sourceHash = string(d.sourceHash);

  schema::ArtifactBuilder artifact(b);
  artifact.add_abi_version(NIBBLE_ABI_VERSION);
  artifact.add_model_name(modelName);
  artifact.add_architecture(architecture);
  artifact.add_config(config);
  artifact.add_target(target);
  artifact.add_compiler_version(version);
  artifact.add_source_name(sourceName);
  artifact.add_source_hash(sourceHash);
  artifact.add_weights(weights);
  artifact.add_tensors(tensorVector);
  artifact.add_memory_plan(rowVector);
  artifact.add_arena_bytes(d.arenaBytes);
  artifact.add_state_bytes(d.stateBytes);
  artifact.add_max_threads(d.maxThreads);
  artifact.add_planned_threads(d.plannedThreads);
  artifact.add_memory_budget(d.memoryBudget);
  artifact.add_sections(partVector);
  artifact.add_state_regions(regionVector);
  artifact.add_state_identity(d.stateIdentity);
  artifact.add_tokenizer(*tokenizer);
  artifact.add_chat(*chat);
  artifact.add_generation(generation);
  artifact.add_profile(profileVector);
  schema::FinishArtifactBuffer(b, artifact.Finish());
  return b.Release();
}

ArtifactWriter::ArtifactWriter(std::string out, sys::fs::TempFile file) : out(std::move(out)), file(std::move(file)) {
  buffer.reserve(BufferBytes);
}

ArtifactWriter::~ArtifactWriter() {
  if (file)
    consumeError(file->discard());
}

Expected<std::unique_ptr<ArtifactWriter>> ArtifactWriter::create(StringRef out, StringRef elf) {
  if (sys::fs::is_directory(out))
    return createStringError(errc::is_a_directory, "cannot write " + out + ": it is a directory");
  // A device or a pipe must not be replaced by a file.
  if (sys::fs::exists(out) && !sys::fs::is_regular_file(out))
    return createStringError(errc::invalid_argument, "cannot write " + out + ": it is not a regular file");
  auto mode = static_cast<sys::fs::perms>(sys::fs::all_read | sys::fs::all_write | sys::fs::all_exe);
  Expected<sys::fs::TempFile> file = sys::fs::TempFile::create(out + ".tmp-%%%%%%%%", mode);
  if (!file)
    return fileError(out, errorToErrorCode(file.takeError()));
  std::unique_ptr<ArtifactWriter> writer(new ArtifactWriter(out.str(), std::move(*file)));
  if (Error error = writer->copyFrom(elf))
    return std::move(error);
  return std::move(writer);
}

/// write(2) of all bytes. Not raw_fd_ostream: it ends the process when its destructor cannot write what is left.
static std::error_code writeAll(int descriptor, const char *bytes, size_t size) {
  while (size) {
    ssize_t wrote = ::write(descriptor, bytes, size);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0)
      return std::error_code(wrote ? errno : ENOSPC, std::generic_category());
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
  }
  return {};
}

Error ArtifactWriter::flush() {
  std::error_code code = writeAll(file->FD, buffer.data(), buffer.size());
  buffer.clear();
  return code ? fileError(out, code) : Error::success();
}

Error ArtifactWriter::write(const void *data, size_t size) {
  const auto *bytes = static_cast<const char *>(data);
  position += size;
  sectionSum.update(data, size);
  if (buffer.size() + size > BufferBytes)
    if (Error error = flush())
      return error;
  if (size < BufferBytes) {
    buffer.insert(buffer.end(), bytes, bytes + size);
    return Error::success();
  }
  std::error_code code = writeAll(file->FD, bytes, size);
  return code ? fileError(out, code) : Error::success();
}

/// Zeros from `position` to the next multiple of `alignment`, piece by piece.
static Error fill(uint64_t position, uint64_t alignment, function_ref<Error(const void *, size_t)> write) {
  static constexpr char zeros[4096] = {};
  for (uint64_t rest = (alignment - position % alignment) % alignment; rest;) {
    uint64_t piece = std::min<uint64_t>(rest, sizeof(zeros));
    if (Error error = write(zeros, piece))
      return error;
    rest -= piece;
  }
  return Error::success();
}

Error ArtifactWriter::pad(uint64_t alignment) {
  return fill(position, alignment, [this](const void *data, size_t size) { return write(data, size); });
}

Error ArtifactWriter::copyFrom(StringRef elf) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> program =
      MemoryBuffer::getFile(elf, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!program)
    return createStringError(program.getError(), "cannot read " + elf + ": " + program.getError().message());
  if (!(*program)->getBuffer().starts_with("\177ELF"))
    return createStringError(errc::executable_format_error, elf + " is not an ELF file");
  if (Error error = write((*program)->getBufferStart(), (*program)->getBufferSize()))
    return error;
  if (Error error = pad(schema::WeightAlignment))
    return error;
  weightsOffset = position;
  this->program = endSection("program");
  return Error::success();
}

/// The section that ends here; the next one begins.
ArtifactDescription::Section ArtifactWriter::endSection(StringRef name) {
  ArtifactDescription::Section section{name.str(), sectionOffset, position - sectionOffset, sectionSum.value()};
  sectionOffset = position;
  sectionSum = {};
  return section;
}

void ArtifactWriter::beginTensor() { tensor.emplace(weightsSize, schema::Checksum64()); }

void ArtifactWriter::endTensor() {
  tensorSums.emplace_back(tensor->first, tensor->second.value());
  tensor.reset();
}

Error ArtifactWriter::append(const void *data, size_t size) {
  if (tensor)
    tensor->second.update(data, size);
  weightsSize += size;
  return write(data, size);
}

Error ArtifactWriter::align(uint64_t alignment) {
  return fill(weightsSize, alignment, [this](const void *data, size_t size) { return append(data, size); });
}

/// Zero bytes that stand before a description at `end`, so that it begins at a multiple of 64.
static uint64_t tablePadding(uint64_t end) { return (64 - end % 64) % 64; }

Expected<uint64_t> countTableBytes(ArtifactDescription description, uint64_t weightsSize, uint64_t prefixSize) {
  // A zero takes no room in a FlatBuffer; offsets and checksums that are not known yet have to take theirs.
  for (ArtifactDescription::Tensor &tensor : description.tensors)
    tensor.checksum = 1;
  description.sections = {{"program", 0, 1, 1}};
  if (prefixSize)
    description.sections.push_back({"prefix", 1, 1, 1});
  description.sourceHash = std::string(64, '0');
  description.stateIdentity = 1;
  auto bytes = serialize(description, 1, weightsSize, 1);
  if (!bytes)
    return bytes.takeError();
  return tablePadding(weightsSize + prefixSize) + bytes->size() + sizeof(schema::Trailer);
}

Error ArtifactWriter::finish(const ArtifactDescription &description, ArrayRef<uint8_t> prefix) {
  ArtifactDescription::Section weights = endSection("weights");
  std::vector<ArtifactDescription::Section> sections = {program};
  if (!prefix.empty()) {
    if (Error error = write(prefix.data(), prefix.size()))
      return error;
    sections.push_back(endSection("prefix"));
  }
  ArtifactDescription whole = description;
  whole.sections = sections;
  for (ArtifactDescription::Tensor &one : whole.tensors) {
    auto sum = llvm::lower_bound(tensorSums, std::make_pair(one.offset, uint64_t(0)));
    if (sum != tensorSums.end() && sum->first == one.offset)
      one.checksum = sum->second;
  }
  Expected<flatbuffers::DetachedBuffer> bytes = serialize(whole, weightsOffset, weightsSize, weights.checksum);
  if (!bytes)
    return bytes.takeError();
  uint64_t begin = position;
  if (Error error = pad(64))
    return error;
  endSection("padding");
  schema::Trailer trailer = {};
  std::memcpy(trailer.magic, schema::TrailerMagic, sizeof(trailer.magic));
  trailer.version = schema::TrailerVersion;
  trailer.trailerSize = sizeof(trailer);
  trailer.weightsOffset = weightsOffset;
  trailer.weightsSize = weightsSize;
  trailer.descriptionOffset = position;
  trailer.descriptionSize = bytes->size();
  trailer.descriptionChecksum = schema::checksum64(bytes->data(), bytes->size());
  trailer.checksum = schema::checksum64(&trailer, offsetof(schema::Trailer, checksum));
  if (Error error = write(bytes->data(), bytes->size()))
    return error;
  if (Error error = write(&trailer, sizeof(trailer)))
    return error;
  tablesSize = position - begin;
  sections.push_back(weights);
  sections.push_back(endSection("description"));
  return commit(sections);
}

/// Reads the file back: a full disk cache that lost a write, or another process, must not make a program.
Error ArtifactWriter::verify(ArrayRef<ArtifactDescription::Section> sections) {
  std::vector<uint8_t> piece(BufferBytes);
  for (const ArtifactDescription::Section &section : sections) {
    schema::Checksum64 sum;
    for (uint64_t done = 0; done < section.size;) {
      ssize_t got = pread(file->FD, piece.data(), std::min<uint64_t>(piece.size(), section.size - done),
                          static_cast<off_t>(section.offset + done));
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        break;
      sum.update(piece.data(), static_cast<size_t>(got));
      done += static_cast<uint64_t>(got);
    }
    if (sum.value() != section.checksum)
      return createStringError(errc::io_error, "cannot write " + out + ": its section '" + section.name +
                                                   "' is not what was written when read back");
  }
  return Error::success();
}

Error ArtifactWriter::commit(ArrayRef<ArtifactDescription::Section> sections) {
  if (Error error = flush())
    return error;
  if (fsync(file->FD) != 0)
    return fileError(out, std::error_code(errno, std::generic_category()));
  if (Error error = verify(sections))
    return error;
  Error kept = file->keep(out);
  if (kept)
    return fileError(out, errorToErrorCode(std::move(kept)));
  file.reset();
  return Error::success();
}

} // namespace nibble
