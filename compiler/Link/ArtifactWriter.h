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
  };
  struct MemoryRow {
    std::string name;
    uint64_t bytes = 0;
  };

  /// See schema::ProfileOp.
  struct ProfileOp {
    std::string function, name, detail;
    uint64_t bytes = 0, rowBytes = 0, positionBytes = 0, rowOperations = 0, rowPositionOperations = 0;
  };

  std::string modelName, architecture;
  uint32_t layers = 0, embedding = 0, heads = 0, kvHeads = 0, headDim = 0, feedForward = 0;
  uint32_t vocab = 0, context = 0, chunk = 0;
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
  uint32_t maxThreads = 64;
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

  /// Writes description and trailer and puts the file in place. Nothing can be called afterwards.
  llvm::Error finish(const ArtifactDescription &description);
  /// Size of the finished file.
  uint64_t fileBytes() const { return position; }

private:
  ArtifactWriter(std::string out, llvm::sys::fs::TempFile file);
  llvm::Error write(const void *data, size_t size);
  llvm::Error flush();
  llvm::Error pad(uint64_t alignment);
  llvm::Error copyFrom(llvm::StringRef elf);
  llvm::Error commit();

  std::string out;
  std::optional<llvm::sys::fs::TempFile> file;
  std::vector<char> buffer; // bytes not yet written
  uint64_t position = 0, weightsOffset = 0, weightsSize = 0;
  schema::Checksum64 weightsChecksum;
};

/// Serialises a description; used by finish() and by tests.
llvm::Expected<flatbuffers::DetachedBuffer> serialize(const ArtifactDescription &description, uint64_t weightsOffset,
                                                      uint64_t weightsSize, uint64_t weightsChecksum);

} // namespace nibble
