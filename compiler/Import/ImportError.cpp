//===- ImportError.cpp - What can be wrong with a model file --------------===//
//
// The classes are described in the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ImportError.h"

#include "llvm/ADT/StringExtras.h"

using namespace nibble;

char ImportError::ID = 0;

int ImportError::getExitCode() const {
  switch (kind) {
  case ImportErrorKind::Unreadable:
    return 1;
  case ImportErrorKind::Malformed:
    return 3;
  case ImportErrorKind::Unsupported:
    return 4;
  }
  return 1;
}

llvm::Error nibble::unreadable(const llvm::Twine &message) {
  return llvm::make_error<ImportError>(ImportErrorKind::Unreadable,
                                       message.str());
}

llvm::Error nibble::malformed(const llvm::Twine &message) {
  return llvm::make_error<ImportError>(ImportErrorKind::Malformed,
                                       message.str());
}

llvm::Error nibble::unsupported(const llvm::Twine &message) {
  return llvm::make_error<ImportError>(ImportErrorKind::Unsupported,
                                       message.str());
}

int nibble::takeImportError(llvm::Error error, std::string &message) {
  int exitCode = 1;
  llvm::handleAllErrors(
      std::move(error),
      [&](const ImportError &importError) {
        exitCode = importError.getExitCode();
        message = importError.message();
      },
      [&](const llvm::ErrorInfoBase &other) { message = other.message(); });
  return exitCode;
}

std::string nibble::quote(llvm::StringRef text) {
  constexpr size_t maxShown = 80;
  std::string result = "'";
  for (char c : text.take_front(maxShown)) {
    if (llvm::isPrint(c) && c != '\\' && c != '\'') {
      result += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    result += "\\x";
    result += llvm::hexdigit(byte >> 4);
    result += llvm::hexdigit(byte & 15);
  }
  result += text.size() > maxShown ? "…'" : "'";
  return result;
}
