//===- Artifact.h - the program's own payload --------------------*- C++ -*-===//
//
// What:  finds, verifies and maps what lies behind the ELF image: the packed
//        weights and the description.
// Why:   weights are executed in place; nothing is copied or parsed at start-up.
// Contract: after open() succeeds, description() is a verified FlatBuffer and
//        weights() is mapped read-only for the life of the process, both as the
//        compiler wrote them (the description's checksum is compared; that of the
//        weights costs a read of the whole file and is verifyWeights()).
//        Every field that the runtime relies on has been checked for sense.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/platform/Status.h"

#include <cstddef>
#include <cstdint>

namespace nibble::schema {
struct Artifact;
struct Trailer;
} // namespace nibble::schema

namespace nibble::rt {

class Artifact {
public:
  /// Maps the payload of the executable at `path`; messages call it `name`.
  Status open(const char *path, const char *name);

  /// Compares the checksum of the weights; reads all of them.
  Status verifyWeights() const;

  const schema::Artifact &description() const { return *root; }
  const uint8_t *weights() const { return weightBytes; }
  size_t weightSize() const { return weightCount; }
  uint64_t fileSize() const { return size; }
  /// What the process occupies besides weights and block: ELF image, description, and 256 KiB for main's stack and
  /// libc's data.
  uint64_t overheadBytes() const { return programCount + descriptionCount + (256 << 10); }
  uint64_t descriptionChecksum() const { return descriptionSum; }

private:
  Status readTrailer(int file, const char *name, schema::Trailer &trailer);
  Status map(int file, const char *name, const schema::Trailer &trailer);
  Status check() const;

  const schema::Artifact *root = nullptr;
  const uint8_t *weightBytes = nullptr;
  size_t weightCount = 0;
  uint64_t size = 0, programCount = 0, descriptionCount = 0, descriptionSum = 0;
};

/// Refuses, naming them, if the description wants features that this processor lacks or another architecture.
Status checkMachine(const schema::Artifact &description);

} // namespace nibble::rt
