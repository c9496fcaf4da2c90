//===- Artifact.h - the program's own payload --------------------*- C++ -*-===//
//
// What:  finds, verifies and maps what lies behind the ELF image: the packed
//        weights and the description.
// Why:   weights are executed in place; nothing is copied or parsed at start-up.
// Contract: after open() succeeds, description() is a verified FlatBuffer, as the
//        compiler wrote it (its checksum is compared). Every field that the runtime
//        relies on has been checked for sense. After loadWeights(), weights() are
//        readable for the life of the process. Checksums of all other parts cost a
//        read of the whole file: verify().
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/platform/Status.h"

#include <cstddef>
#include <cstdint>

namespace nibble::schema {
struct Artifact;
struct Section;
struct Trailer;
} // namespace nibble::schema

namespace nibble::rt {

/// How the weights come into memory.
enum class Residency {
  Map,  // mapped: read when first needed, shared with other processes, given up when memory is short
  Lock, // mapped, read at start and kept
  Read, // copied at start into memory of this process: for files on devices that come and go
};

class Artifact {
public:
  Artifact() = default;
  Artifact(const Artifact &) = delete;
  Artifact &operator=(const Artifact &) = delete;
  ~Artifact();

  /// Maps the description of the executable at `path`; messages call it `name`.
  Status open(const char *path, const char *name);

  Status loadWeights(Residency residency);

  /// Compares the checksums of all parts of the file; reads all of it. Names the part, or the tensor, that differs.
  Status verify() const;

  int descriptor() const { return file; }
  /// Reads bytes of the file.
  Status read(void *data, size_t bytes, uint64_t offset) const;

  const schema::Artifact &description() const { return *root; }
  const uint8_t *weights() const { return weightBytes; }
  size_t weightSize() const { return weightCount; }
  uint64_t fileSize() const { return size; }
  /// Bytes behind weights and prefix: the description and the trailer.
  uint64_t tableBytes() const { return size - weightsOffset - weightCount - prefixBytes(); }
  /// The compiled-in prefix: a state file within the file; null if there is none.
  const schema::Section *prefix() const { return prefixSection; }
  uint64_t prefixBytes() const;
  uint64_t descriptionChecksum() const { return descriptionSum; }

private:
  Status readTrailer(const char *name, schema::Trailer &trailer);
  Status map(const char *name, const schema::Trailer &trailer);
  Status check();
  Status readWeights();

  int file = -1;
  char displayName[120] = {};
  const schema::Artifact *root = nullptr;
  const schema::Section *prefixSection = nullptr;
  const uint8_t *weightBytes = nullptr;
  size_t weightCount = 0;
  uint64_t size = 0, weightsOffset = 0, descriptionSum = 0;
};

/// Refuses, naming them, if the description wants features that this processor lacks or another architecture.
Status checkMachine(const schema::Artifact &description);

} // namespace nibble::rt
