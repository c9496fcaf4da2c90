//===- ArtifactWriter.h - writes the emitted program ----------------------===//
//
// What:  turns a linked ELF file, a stream of packed weight bytes and a description
//        into the final executable.
// Why:   weights run to gigabytes: they go to the disk as they are packed and are
//        never held in memory as a whole.
// Contract: the file named OUT is either the complete new program or what it was
//        before. Everything is written to a temporary file in OUT's directory,
//        synced, made executable and renamed over OUT; when an error is returned,
//        or the writer is destroyed before finish(), the temporary file is gone.
//        Before it is renamed, all of it is read back and its checksums compared.
//        Layout: runtime/schema/artifact.fbs and Trailer.h.
//
//   auto writer = ArtifactWriter::create(out, elf);      // copies the ELF, pads
//   for (weight : weights) {
//     uint64_t offset = (*writer)->weightBytes();
//     (*writer)->append(bytes);
//     (*writer)->align(64);
//   }
//   (*writer)->finish(description);
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/schema/Checksum.h"
#include "runtime/schema/Trailer.h"
#include "runtime/schema/artifact_generated.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <functional>
#include <memory>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace nibble {

/// What runtime/schema/artifact.fbs holds, in C++. The weight section is filled in by the writer.
struct ArtifactDescription {
  struct Tensor {
    std::string name, format;
    uint64_t offset = 0, bytes = 0; // in the weight section
    uint64_t checksum = 0;          // filled in by the writer
  };
  /// A row of the memory plan: its key, what is printed, bytes.
  struct MemoryRow {
    std::string name, label;
    uint64_t bytes = 0;
  };
  /// See schema::Section; filled in by the writer.
  struct Section {
    std::string name;
    uint64_t offset = 0, size = 0, checksum = 0;
  };

  /// See schema::ProfileOp.
  struct ProfileOp {
    std::string function, name, detail;
    uint64_t bytes = 0, rowBytes = 0, positionBytes = 0, rowOperations = 0, rowPositionOperations = 0;
  };

  std::string modelName, architecture;
  uint32_t layers = 0, embedding = 0, heads = 0, kvHeads = 0, headDim = 0, feedForward = 0;
  uint32_t vocab = 0, context = 0, chunk = 0;
  uint32_t vector = 0; ///< numbers of a text's vector; 0: the program gives logits
  std::string kv; // "f16", "k:q8,v:q4"
  uint32_t maxRewind = std::numeric_limits<uint32_t>::max(); // positions; see lm.attention's rings
  std::string onFull;                                        // "stop", "shift" or empty
  std::string triple, cpu;
  std::vector<std::string> features; // LLVM's names, without '+'
  std::string compilerVersion, sourceName, sourceHash;
  std::vector<Tensor> tensors;
  std::vector<MemoryRow> memoryPlan;
  std::vector<ProfileOp> profile;
  uint64_t arenaBytes = 0, stateBytes = 0;
  std::vector<schema::StateRegion> stateRegions;
  uint64_t stateIdentity = 0;
  uint32_t maxThreads = 64, plannedThreads = 0;
  uint64_t memoryBudget = 0; // 0: none
  std::vector<Section> sections;
  float temperature = 0.8f, topP = 0.95f, minP = 0.05f, repeatPenalty = 1.0f;
  int32_t topK = 40;

  /// Serialise the tokenizer and, unless empty, the chat template into the same buffer.
  template <typename T>
  using Serializer = std::function<llvm::Expected<flatbuffers::Offset<T>>(flatbuffers::FlatBufferBuilder &)>;
  Serializer<schema::Tokenizer> tokenizer;
  Serializer<schema::ChatTemplate> chat;
};

class ArtifactWriter {
public:
  /// Opens a temporary file beside `out` and copies the linked program `elf` into it.
  static llvm::Expected<std::unique_ptr<ArtifactWriter>> create(llvm::StringRef out, llvm::StringRef elf);
  ~ArtifactWriter();

  /// Appends weight bytes.
  llvm::Error append(const void *data, size_t size);
  llvm::Error append(llvm::ArrayRef<uint8_t> bytes) { return append(bytes.data(), bytes.size()); }
  /// Appends zero bytes until the size of the weight section is a multiple of `alignment`.
  llvm::Error align(uint64_t alignment);
  /// Size of the weight section so far: the offset of what is appended next.
  uint64_t weightBytes() const { return weightsSize; }

  /// Between these, the bytes of the tensor that begins at weightBytes() are appended.
  void beginTensor();
  void endTensor();

  /// Writes the compiled-in prefix, unless it is empty, description and trailer, and puts the file in place. Nothing
  /// can be called afterwards.
  llvm::Error finish(const ArtifactDescription &description, llvm::ArrayRef<uint8_t> prefix = {});
  /// Bytes behind weights and prefix: the description and the trailer; after finish().
  uint64_t tableBytes() const { return tablesSize; }
  /// Size of the finished file.
  uint64_t fileBytes() const { return position; }

private:
  ArtifactWriter(std::string out, llvm::sys::fs::TempFile file);
  llvm::Error write(const void *data, size_t size);
  llvm::Error flush();
  llvm::Error pad(uint64_t alignment);
  llvm::Error copyFrom(llvm::StringRef elf);
  llvm::Error verify(llvm::ArrayRef<ArtifactDescription::Section> sections);
  llvm::Error commit(llvm::ArrayRef<ArtifactDescription::Section> sections);
  ArtifactDescription::Section endSection(llvm::StringRef name);

  std::string out;
  std::optional<llvm::sys::fs::TempFile> file;
  std::vector<char> buffer; // bytes not yet written
  uint64_t position = 0, weightsOffset = 0, weightsSize = 0, tablesSize = 0;
  uint64_t sectionOffset = 0;        // of the section that is being written
  schema::Checksum64 sectionSum;     // of what it has so far
  std::optional<std::pair<uint64_t, schema::Checksum64>> tensor; // offset and sum of the one that is being written
  std::vector<std::pair<uint64_t, uint64_t>> tensorSums;         // offsets and checksums, ascending
  ArtifactDescription::Section program;
};

/// What tableBytes() will be: the size of the description does not depend on offsets and checksums.
llvm::Expected<uint64_t> countTableBytes(ArtifactDescription description, uint64_t weightsSize, uint64_t prefixSize);

/// Serialises a description; used by finish() and by tests.
llvm::Expected<flatbuffers::DetachedBuffer> serialize(const ArtifactDescription &description, uint64_t weightsOffset,
                                                      uint64_t weightsSize, uint64_t weightsChecksum);

} // namespace nibble
