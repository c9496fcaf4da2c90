//===- Artifact.cpp - the program's own payload --------------------------===//
//
// See Artifact.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/platform/Artifact.h"

#include "nibble/abi.h"
#include "runtime/platform/CpuFeatures.h"
#include "runtime/schema/Checksum.h"
#include "runtime/schema/Trailer.h"
#include "runtime/schema/artifact_generated.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibble::rt {

// Bounds of what a description may ask for, so that no product of two of its numbers overflows.
static constexpr uint32_t MaxContext = 1u << 24, MaxVocabulary = 1u << 24;
static constexpr uint64_t MaxBufferBytes = 1ull << 46;

static Status damaged(const char *name, const char *reason) {
  return Status::failure(Exit::Damaged, "%s is damaged: %s; copy or compile the program again", name, reason);
}

/// pread of all bytes.
static bool readAt(int file, void *data, size_t size, uint64_t offset) {
  auto *bytes = static_cast<uint8_t *>(data);
  while (size) {
    ssize_t got = pread(file, bytes, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    bytes += got;
    offset += got;
    size -= got;
  }
  return true;
}

Artifact::~Artifact() {
  if (file >= 0)
    close(file);
}

Status Artifact::readTrailer(const char *name, schema::Trailer &trailer) {
  struct stat info;
  if (fstat(file, &info) != 0)
    return Status::failure(Exit::Internal, "cannot stat %s: %s", name, strerror(errno));
  size = static_cast<uint64_t>(info.st_size);
  if (size < sizeof(trailer) || !readAt(file, &trailer, sizeof(trailer), size - sizeof(trailer)))
    return damaged(name, "too short to hold a model");
  if (memcmp(trailer.magic, schema::TrailerMagic, sizeof(trailer.magic)) != 0)
    return damaged(name, "no model at its end (truncated, stripped or altered)");
  if (trailer.checksum != schema::checksum64(&trailer, offsetof(schema::Trailer, checksum)))
    return damaged(name, "checksum of the trailer differs");
  if (trailer.version != schema::TrailerVersion || trailer.trailerSize != sizeof(trailer))
    return Status::failure(Exit::Damaged, "%s has artifact version %u; this runtime reads version %u", name,
                           trailer.version, schema::TrailerVersion);
  uint64_t end = size - sizeof(trailer);
  if (trailer.weightsOffset % schema::WeightAlignment || trailer.weightsOffset > end ||
      trailer.weightsSize > end - trailer.weightsOffset || trailer.descriptionOffset % 64 ||
      trailer.descriptionOffset < trailer.weightsOffset + trailer.weightsSize || trailer.descriptionOffset > end ||
      trailer.descriptionSize != end - trailer.descriptionOffset)
    return damaged(name, "its size does not fit its trailer (truncated or extended)");
  return Status::success();
}

Status Artifact::map(const char *name, const schema::Trailer &trailer) {
  weightsOffset = trailer.weightsOffset;
  weightCount = trailer.weightsSize;
  uint64_t begin = trailer.descriptionOffset / schema::WeightAlignment * schema::WeightAlignment;
  void *base = mmap(nullptr, size - begin, PROT_READ, MAP_PRIVATE, file, static_cast<off_t>(begin));
  if (base == MAP_FAILED)
    return Status::failure(Exit::Internal, "cannot map %s: %s", name, strerror(errno));
  const uint8_t *description = static_cast<const uint8_t *>(base) + (trailer.descriptionOffset - begin);
  descriptionSum = schema::checksum64(description, trailer.descriptionSize);
  if (descriptionSum != trailer.descriptionChecksum)
    return damaged(name, "checksum of the description differs");
  // The tokenizer's tables are flat vectors: few tables, shallow.
  flatbuffers::Verifier verifier(description, trailer.descriptionSize, /*max_depth=*/16, /*max_tables=*/1000000);
  if (!schema::VerifyArtifactBuffer(verifier))
    return damaged(name, "the description is malformed");
  root = schema::GetArtifact(description);
  return Status::success();
}

/// Whether all saved parts lie inside the state.
static Status checkRegions(const schema::Artifact &root) {
  for (size_t i = 0; root.state_regions() && i < root.state_regions()->size(); ++i) {
    const schema::StateRegion &region = *root.state_regions()->Get(i);
    uint64_t row = 0, before = 0, end = 0;
    if (__builtin_mul_overflow(region.blocks(), region.block_bytes(), &row) ||
        __builtin_mul_overflow(region.repeats() - 1, region.stride(), &before) || region.repeats() == 0 ||
        __builtin_add_overflow(row, before, &end) || __builtin_add_overflow(end, region.offset(), &end) ||
        end > root.state_bytes())
      return Status::failure(Exit::Damaged, "the description's part %zu of the state lies outside of it", i);
  }
  return Status::success();
}

/// Checks what the rest of the runtime takes for granted.
Status Artifact::check() {
  const schema::Config &config = *root->config();
  const schema::WeightSection &section = *root->weights();
  if (root->abi_version() != NIBBLE_ABI_VERSION)
    return Status::failure(Exit::Damaged, "the model was compiled for ABI version %u; this runtime has version %u",
                           root->abi_version(), NIBBLE_ABI_VERSION);
  if (section.size() != weightCount)
    return Status::failure(Exit::Damaged, "the description speaks of %llu weight bytes, the file holds %zu",
                           static_cast<unsigned long long>(section.size()), weightCount);
  bool sensible = config.vocab() && config.vocab() <= MaxVocabulary && config.context() &&
                  config.context() <= MaxContext && config.chunk() && config.chunk() <= config.context() &&
                  root->arena_bytes() <= MaxBufferBytes && root->state_bytes() <= MaxBufferBytes &&
                  root->max_threads() >= 1;
  if (!sensible)
    return Status::failure(Exit::Damaged, "the description's sizes make no sense (vocabulary %u, context %u, chunk %u)",
                           config.vocab(), config.context(), config.chunk());
  uint64_t end = weightsOffset + weightCount;
  for (size_t i = 0; root->sections() && i < root->sections()->size(); ++i) {
    const schema::Section &part = *root->sections()->Get(i);
    if (part.offset() > size || part.size() > size - part.offset())
      return Status::failure(Exit::Damaged, "the description's section %s lies outside the file", part.name()->c_str());
    if (part.name()->string_view() == "prefix" && part.offset() >= end)
      prefixSection = &part;
  }
  return checkRegions(*root);
}

uint64_t Artifact::prefixBytes() const { return prefixSection ? prefixSection->size() : 0; }

Status Artifact::open(const char *path, const char *name) {
  file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Status::failure(Exit::Internal, "cannot open %s: %s", name, strerror(errno));
  snprintf(displayName, sizeof(displayName), "%s", name);
  schema::Trailer trailer;
  Status status = readTrailer(name, trailer);
  if (!status.failed())
    status = map(name, trailer);
  return status.failed() ? status : check();
}

Status Artifact::read(void *data, size_t bytes, uint64_t offset) const {
  if (readAt(file, data, bytes, offset))
    return Status::success();
  return Status::failure(Exit::Internal, "cannot read %s: %s", displayName, strerror(errno));
}

/// A copy in memory of this process; the system's copy of the file is given up piece by piece.
Status Artifact::readWeights() {
  constexpr size_t Piece = 16 << 20;
  void *base = mmap(nullptr, weightCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return Status::failure(Exit::Internal, "cannot get %zu MiB of memory for the weights: %s", weightCount >> 20,
                           strerror(errno));
  for (size_t done = 0; done < weightCount; done += Piece) {
    size_t bytes = weightCount - done < Piece ? weightCount - done : Piece;
    Status status = read(static_cast<uint8_t *>(base) + done, bytes, weightsOffset + done);
    if (status.failed())
      return status;
    posix_fadvise(file, static_cast<off_t>(weightsOffset + done), static_cast<off_t>(bytes), POSIX_FADV_DONTNEED);
  }
  mprotect(base, weightCount, PROT_READ);
  weightBytes = static_cast<const uint8_t *>(base);
  return Status::success();
}

Status Artifact::loadWeights(Residency residency) {
  if (residency == Residency::Read)
    return readWeights();
  void *base = mmap(nullptr, weightCount, PROT_READ, MAP_PRIVATE, file, static_cast<off_t>(weightsOffset));
  if (base == MAP_FAILED)
    return Status::failure(Exit::Internal, "cannot map the weights of %s: %s", displayName, strerror(errno));
  weightBytes = static_cast<const uint8_t *>(base);
  if (residency == Residency::Lock && mlock(base, weightCount) != 0)
    return Status::failure(Exit::Internal,
                           "cannot lock %zu MiB of weights in memory: %s; raise the limit (ulimit -l) or leave out "
                           "--weights-residency=lock",
                           weightCount >> 20, strerror(errno));
  // Read ahead while the prompt is tokenized; a refusal costs nothing but time.
  if (residency == Residency::Map)
    madvise(base, weightCount, MADV_WILLNEED);
  return Status::success();
}

static std::string_view view(const flatbuffers::String *text) {
  return text ? std::string_view(text->c_str(), text->size()) : std::string_view();
}

Status checkMachine(const schema::Artifact &description) {
  const schema::Target &target = *description.target();
  std::string_view triple = view(target.triple());
  if (triple.substr(0, triple.find('-')) != machineName())
    return Status::failure(Exit::Unsupported, "compiled for %.*s, but this is %.*s", int(triple.size()), triple.data(),
                           int(machineName().size()), machineName().data());
  char list[240];
  size_t length = 0;
  bool unknown = false;
  for (size_t i = 0; target.features() && i < target.features()->size(); ++i) {
    std::string_view name = view(target.features()->Get(i));
    FeatureState state = cpuFeature(name);
    if (state == FeatureState::Present)
      continue;
    unknown |= state == FeatureState::Unknown;
    int wrote = snprintf(list + length, sizeof(list) - length, " %.*s%s", int(name.size()), name.data(),
                         state == FeatureState::Unknown ? "(?)" : "");
    length = wrote > 0 && length + wrote < sizeof(list) ? length + wrote : length;
  }
  if (!length)
    return Status::success();
  return Status::failure(Exit::Unsupported, "this processor lacks:%s%s; compile for it with --cpu", list,
                         unknown ? " ((?): unknown to this runtime)" : "");
}

} // namespace nibble::rt
