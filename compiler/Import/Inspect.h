//===- Inspect.h - What a model file holds ----------------------*- C++ -*-===//
//
// The core of `nibble inspect`: a summary that can be made of any readable GGUF
// file, also of one that cannot be compiled; then it says why.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_INSPECT_H
#define NIBBLE_COMPILER_IMPORT_INSPECT_H

#include "compiler/Import/ModelFile.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace nibble {

struct Inspection {
  /// Tensors of one storage type.
  struct FormatGroup {
    std::string name;
    uint64_t tensors = 0, elements = 0, bytes = 0;
    /// Whether it is a row of the format table.
    bool supported = false;
  };

  std::string path;
  std::string kind; ///< "GGUF 3"
  uint64_t files = 0, bytes = 0;
  /// Text from the file; empty if absent. Escaped by the printers.
  std::string architecture, name, license;
  uint64_t parameters = 0;
  /// Largest first, by bytes.
  std::vector<FormatGroup> formats;

  /// Numbers of the model in the order of printing, e.g. {"layers", 30}; only
  /// those that could be read.
  std::vector<std::pair<std::string, uint64_t>> numbers;
  std::string ropeScaling;
  std::string vector; ///< what becomes of a text's rows in an encoder; empty: they give logits
  bool tiedOutput = false;

  std::string tokenizer, preTokenizer;
  uint64_t tokens = 0, merges = 0;
  bool hasChatTemplate = false;

  /// Exit code for a driver that was asked about this file: 0 if the model can
  /// be compiled, 3 if its contents contradict each other, 4 if Nibble does not
  /// support it. `problem` is then the sentence that says why.
  int exitCode = 0;
  std::string problem;
  bool isSupported() const { return exitCode == 0; }
};

Inspection inspectModel(const ModelFile &file);

/// A table for people. Sizes in the units of `formatBytes`.
void print(const Inspection &inspection, llvm::raw_ostream &os);

/// The same for programs; sizes in bytes.
llvm::json::Object toJSON(const Inspection &inspection);

/// "93.8 MiB", with one decimal and 1024-based units.
std::string formatBytes(uint64_t bytes);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_INSPECT_H
