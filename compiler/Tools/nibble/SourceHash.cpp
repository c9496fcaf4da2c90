//===- SourceHash.cpp - SHA-256 of a model's files -------------------------===//
#include "compiler/Tools/nibble/SourceHash.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

#include <algorithm>
#include <vector>

namespace nibble {

SourceHash::SourceHash(const ModelFile &file) : thread([this, &file] { run(file); }) {}

SourceHash::~SourceHash() {
  if (thread.joinable())
    thread.join();
}

void SourceHash::run(const ModelFile &file) {
  llvm::SHA256 hash;
  std::vector<uint8_t> buffer(1 << 20);
  for (uint32_t part = 0; part < file.getFileCount(); ++part) {
    const InputFile &input = file.getFile(part);
    for (uint64_t offset = 0; offset < input.getSize(); offset += buffer.size()) {
      llvm::MutableArrayRef<uint8_t> piece(buffer.data(), std::min<uint64_t>(buffer.size(), input.getSize() - offset));
      if (llvm::Error error = input.readAt(offset, piece)) {
        failure = llvm::toString(std::move(error));
        return;
      }
      hash.update(piece);
    }
  }
  digest = llvm::toHex(hash.final(), /*LowerCase=*/true);
}

llvm::Expected<std::string> SourceHash::result() {
  if (thread.joinable())
    thread.join();
  if (!failure.empty())
    return llvm::createStringError(std::make_error_code(std::errc::io_error), failure);
  return digest;
}

} // namespace nibble
