//===- SourceHash.h - SHA-256 of a model's files ---------------------------===//
//
// Provenance: the program says from which bytes it was made. Computed on a thread of its own while weights are packed,
// in pieces of a megabyte.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Import/ModelFile.h"

#include "llvm/Support/Error.h"

#include <string>
#include <thread>

namespace nibble {

class SourceHash {
public:
  /// Starts hashing all parts of `file`, in their order. `file` must outlive this.
  explicit SourceHash(const ModelFile &file);
  ~SourceHash();
  /// Waits; the digest in hexadecimal.
  llvm::Expected<std::string> result();

private:
  void run(const ModelFile &file);

  std::string digest, failure;
  std::thread thread;
};

} // namespace nibble
