//===- ImportError.h - What can be wrong with a model file ------*- C++ -*-===//
//
// Every failure of the importer is the user's fault or the file's, never ours,
// and falls in one of three classes. The class decides the exit code of the
// driver, so it travels with the error instead of being guessed from its text.
//
// Contract: each function of compiler/Import that can fail returns llvm::Error
// or llvm::Expected holding an ImportError. The message is one sentence that
// names the file, the byte offset where there is one, the key or tensor, what
// was expected and what was found. Text taken from the file is passed through
// `quote`, so a hostile file cannot drive the terminal.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_IMPORTERROR_H
#define NIBBLE_COMPILER_IMPORT_IMPORTERROR_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nibble {

enum class ImportErrorKind {
  /// The file could not be opened or read. Exit code 1.
  Unreadable,
  /// The bytes contradict the format's specification. Exit code 3.
  Malformed,
  /// A well-formed file that asks for what Nibble cannot do yet. Exit code 4.
  Unsupported,
};

class ImportError : public llvm::ErrorInfo<ImportError> {
public:
  static char ID;

  ImportError(ImportErrorKind kind, std::string message)
      : kind(kind), text(std::move(message)) {}

  ImportErrorKind getKind() const { return kind; }
  /// The exit code of the driver for this class of error.
  int getExitCode() const;

  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  ImportErrorKind kind;
  std::string text;
};

llvm::Error unreadable(const llvm::Twine &message);
llvm::Error malformed(const llvm::Twine &message);
llvm::Error unsupported(const llvm::Twine &message);

/// Consumes `error`, stores its text in `message` and returns the driver's exit
/// code: 1, 3 or 4. An error of another class than ImportError gives 1.
int takeImportError(llvm::Error error, std::string &message);

/// `text` in single quotes, with everything that is not printable ASCII escaped
/// as \xNN and cut after 80 characters: for names that came out of a file.
std::string quote(llvm::StringRef text);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_IMPORTERROR_H
