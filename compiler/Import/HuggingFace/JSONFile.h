//===- JSONFile.h - JSON from strangers -------------------------*- C++ -*-===//
//
// The files of a Hugging Face folder are JSON. LLVM's parser does the reading;
// this adds what a parser of downloaded files needs: a bound on the size before
// anything is read, a bound on the nesting before anything recurses, and errors
// that name the file and the place.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_JSONFILE_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_JSONFILE_H

#include "compiler/Import/BoundedReader.h"

#include "llvm/Support/JSON.h"

#include <optional>

namespace nibble {

struct JSONLimits {
  /// A tokenizer of 262144 tokens takes 33 MB.
  static constexpr uint64_t bytes = 256 << 20;
  /// The deepest that these files have is 6 (a Sequence of normalizers).
  static constexpr unsigned depth = 64;
};

/// Parses `size` bytes from `offset` on, within the limits.
llvm::Expected<llvm::json::Value> parseJSON(const InputFile &file,
                                            uint64_t offset, uint64_t size);

/// The same of what must be one JSON object.
llvm::Expected<llvm::json::Object> parseJSONObject(const InputFile &file,
                                                   uint64_t offset,
                                                   uint64_t size);

/// All of the file.
llvm::Expected<llvm::json::Object> parseJSONObject(const InputFile &file);

/// Typed look-ups in one object of a file, with errors that name both:
/// "FILE: 'KEY': expected …, found …". `null` counts as absent.
class JSONView {
public:
  /// `path` goes in front of key names: "rope_scaling." of a nested object.
  JSONView(llvm::StringRef file, const llvm::json::Object &object,
           std::string path = "")
      : file(file), object(&object), path(std::move(path)) {}

  const llvm::json::Value *find(llvm::StringRef key) const;
  llvm::Expected<std::optional<uint64_t>>
  findUInt(llvm::StringRef key, uint64_t minimum = 0,
           uint64_t maximum = UINT32_MAX) const;
  llvm::Expected<std::optional<double>> findNumber(llvm::StringRef key) const;
  llvm::Expected<std::optional<bool>> findBool(llvm::StringRef key) const;
  llvm::Expected<std::optional<llvm::StringRef>>
  findString(llvm::StringRef key) const;
  llvm::Expected<std::optional<JSONView>> findObject(llvm::StringRef key) const;
  llvm::Expected<const llvm::json::Array *>
  findArray(llvm::StringRef key) const;

  /// "config.json: 'rope_scaling.factor'", without the folder.
  std::string describe(llvm::StringRef key) const;
  llvm::Error malformedKey(llvm::StringRef key,
                           const llvm::Twine &message) const;
  llvm::Error unsupportedKey(llvm::StringRef key,
                             const llvm::Twine &message) const;

  const llvm::json::Object &get() const { return *object; }
  llvm::StringRef getFile() const { return file; }

private:
  llvm::Error wrongType(llvm::StringRef key, llvm::StringRef expected) const;

  llvm::StringRef file;
  const llvm::json::Object *object;
  std::string path;
};

/// "a string", "an array": what the value is, for messages.
llvm::StringRef describeKind(const llvm::json::Value &value);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_JSONFILE_H
