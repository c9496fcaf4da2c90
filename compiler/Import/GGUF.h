//===- GGUF.h - Reader of GGUF 2 and 3 model files --------------*- C++ -*-===//
//
// A GGUF file is a header of key-value pairs, a table of tensors and the
// tensors' bytes:
//
//   'GGUF' version n_tensors n_kv | kv … | tensor info … | pad | tensor data …
//
// A large model may be cut in parts PREFIX-00001-of-0000N.gguf; the first part
// holds all metadata and each part describes its own tensors.
//
// The reader trusts nothing: files of this kind are downloaded from strangers,
// and every public reader has had memory errors in just this place. Contract
// of an open GGUFFile:
//   - keys and tensor names are unique, non-empty and within the limits below;
//   - each tensor has 1 to 4 dimensions of at least 1, a known storage type,
//     rows of whole blocks, and lies in its file without touching another;
//   - every size was computed in 64 bits with overflow checked;
//   - memory used is of the order of the metadata, not of the file.
// What the metadata *means* is checked by whoever asks for it.
//
// Source: docs/gguf.md of the ggml project.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_GGUF_H
#define NIBBLE_COMPILER_IMPORT_GGUF_H

#include "compiler/Import/ModelFile.h"

namespace nibble {

/// Limits that the format leaves open. Each is far above what real models use
/// (in brackets) and low enough that no file can make the compiler allocate
/// more than a few times its own size.
struct GGUFLimits {
  static constexpr uint64_t pairs = 65536;               // [60]
  static constexpr uint64_t tensors = 65536;             // [2000]
  static constexpr uint64_t keyBytes = 65535;            // the specification's
  static constexpr uint64_t nameBytes = 64;              // the specification's
  static constexpr uint64_t stringBytes = 16 << 20;      // [100 KB, a template]
  static constexpr uint64_t arrayElements = 16 << 20;    // [300000, merges]
  static constexpr uint64_t metadataBytes = 512ull << 20; // [20 MB]
  static constexpr uint64_t alignment = 65536;           // [32]
  static constexpr uint32_t dimensions = 4;              // ggml's
  static constexpr uint64_t parts = 512;                 // [30]
};

class GGUFFile : public ModelFile {
public:
  /// Opens `path` and, if it is the first of several parts, the others.
  static llvm::Expected<std::unique_ptr<GGUFFile>> open(llvm::StringRef path);

  uint32_t getVersion() const { return version; }
  std::string describeKind() const override;
  bool hasInterleavedRope() const override { return true; }

private:
  GGUFFile() = default;

  llvm::Error openParts(uint64_t count);

  uint32_t version = 0;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_GGUF_H
