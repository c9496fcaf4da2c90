//===- Folder.h - Models in Hugging Face folders ----------------*- C++ -*-===//
//
// A folder holds a model as its authors publish it:
//
//   config.json                      the model's numbers
//   model.safetensors                the tensors, or several files that
//   model.safetensors.index.json     … this assigns the tensors to
//   tokenizer.json                   the vocabulary and how text is cut
//   tokenizer_config.json, special_tokens_map.json, chat_template.jinja
//   generation_config.json           what the authors advise for sampling
//
// Opening one translates all of it into the vocabulary of ModelFile: numbers by
// Config.cpp, tensor names by TensorNames.cpp, the texts by TokenizerJSON.cpp.
// Contract: as ModelFile says; every offset is checked when the folder is opened
// (Safetensors.h), and no tensor is read.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_FOLDER_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_FOLDER_H

#include "compiler/Import/HuggingFace/JSONFile.h"
#include "compiler/Import/HuggingFace/PackedWeights.h"
#include "compiler/Import/HuggingFace/Safetensors.h"
#include "compiler/Import/ModelFile.h"

namespace nibble {

struct HuggingFaceArchitecture;

class HuggingFaceFolder : public ModelFile {
public:
  static llvm::Expected<std::unique_ptr<HuggingFaceFolder>>
  open(llvm::StringRef path);
  /// The texts alone: no tensor file is looked at, and config.json may be absent.
  /// `vocabulary` is "tokenizer.json", "vocab.txt" or "", the one that is there.
  static llvm::Expected<std::unique_ptr<HuggingFaceFolder>>
  openTexts(llvm::StringRef path, llvm::StringRef vocabulary = "");

  llvm::StringRef getPath() const override { return path; }
  std::string describeKind() const override;
  /// The files have the rows as the model was trained.
  bool hasInterleavedRope() const override { return false; }

  /// Adds a value; `origin` names where the folder says it.
  void addUInt(llvm::StringRef key, uint64_t value, std::string origin);
  void addFloat(llvm::StringRef key, double value, std::string origin);
  void addBool(llvm::StringRef key, bool value, std::string origin);
  void addString(llvm::StringRef key, llvm::StringRef value,
                 std::string origin);
  void addStrings(llvm::StringRef key, StringTable values, std::string origin);
  void addInts(llvm::StringRef key, std::vector<uint64_t> values,
               std::string origin);
  void addFloats(llvm::StringRef key, std::vector<double> values,
                 std::string origin);

  /// Opens FOLDER/NAME and parses it; none if there is no such file.
  llvm::Expected<std::optional<llvm::json::Object>>
  readJSON(llvm::StringRef name);
  /// The same of a file that may be no object.
  llvm::Expected<std::optional<llvm::json::Value>>
  readJSONValue(llvm::StringRef name);
  /// The text of FOLDER/NAME, at most 16 MiB; none if there is no such file.
  llvm::Expected<std::optional<std::string>> readText(llvm::StringRef name);
  /// FOLDER/NAME
  std::string pathOf(llvm::StringRef name) const;

private:
  explicit HuggingFaceFolder(llvm::StringRef path) : path(path.str()) {}

  GGUFValue &add(llvm::StringRef key, GGUFValueType type, std::string origin);
  /// Null if there is no such file.
  llvm::Expected<const InputFile *> openFile(llvm::StringRef name);
  llvm::Error readFiles();
  llvm::Error readIndexed(const llvm::json::Object &index);
  llvm::Error readOne(llvm::StringRef name,
                      const llvm::StringMap<llvm::StringRef> *wanted);
  llvm::Error addTensors(const JSONView &config);
  llvm::Error addTensor(const SafetensorsTensor &tensor, uint32_t fileIndex);
  llvm::Error addPacked(PackedWeights::Entry &entry);

  std::string path;
  std::string method; ///< Of quantization, or "".
  std::vector<StoredTensor> stored;
  const HuggingFaceArchitecture *architecture = nullptr;
  /// The output matrix is the embedding table, whatever the files hold.
  bool tied = false;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_FOLDER_H
