//===- PoolingConfig.cpp - From rows to a text's vector, in GGUF's words --===//
//
// Folders of sentence-transformers say in modules.json what follows the model:
// a pooling, whose settings are in a folder of its own, and perhaps a division by
// the length. A folder without that file says nothing; the mean of all rows,
// divided by its length, is then what FamilyReader's page takes.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Config.h"

#include "compiler/Import/HuggingFace/Folder.h"
#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;

/// pooling_type as ggml numbers it: 1 the mean, 2 the first row.
static Error readPooling(StringRef architecture, StringRef name,
                         HuggingFaceFolder &folder) {
  auto object = folder.readJSON(name);
  if (!object)
    return object.takeError();
  if (!*object)
    return malformed(folder.pathOf(name) +
                     ": expected the pooling that modules.json names, found no "
                     "such file");
  std::string path = folder.pathOf(name);
  JSONView view(path, **object);
  uint64_t type = 0;
  for (const auto &[key, value] : **object) {
    if (!StringRef(key).starts_with("pooling_mode_") ||
        !value.getAsBoolean().value_or(false))
      continue;
    bool isMean = key == "pooling_mode_mean_tokens";
    if ((!isMean && key != "pooling_mode_cls_token") || type != 0)
      return view.unsupportedKey(key, "unsupported: expected one pooling, of "
                                      "the mean or of the first row");
    type = isMean ? 1 : 2;
  }
  if (type == 0)
    return malformed(path + ": expected a pooling mode that is true, found none");
  folder.addUInt((architecture + ".pooling_type").str(), type, name.str());
  return Error::success();
}

Error nibble::translatePooling(StringRef architecture,
                               HuggingFaceFolder &folder) {
  StringRef file = "modules.json";
  auto modules = folder.readJSONValue(file);
  if (!modules || !*modules)
    return modules.takeError();
  const llvm::json::Array *list = (*modules)->getAsArray();
  if (!list)
    return malformed(folder.pathOf(file) + ": expected an array of modules");
  bool normalizes = false;
  for (const llvm::json::Value &entry : *list) {
    const llvm::json::Object *module = entry.getAsObject();
    auto type = module ? module->getString("type") : std::nullopt;
    auto path = module ? module->getString("path") : std::nullopt;
    StringRef kind = type ? type->rsplit('.').second : StringRef();
    if (!type || !path || path->contains(".."))
      return malformed(folder.pathOf(file) +
                       ": expected modules with a type and a path");
    if (kind == "Pooling") {
      if (Error error =
              readPooling(architecture, (*path + "/config.json").str(), folder))
        return error;
    } else if (kind == "Normalize") {
      normalizes = true;
    } else if (kind != "Transformer") {
      return unsupported(folder.pathOf(file) + ": unsupported module " +
                         quote(*type) +
                         ": expected Transformer, Pooling and Normalize");
    }
  }
  folder.addBool((architecture + ".normalize_embeddings").str(), normalizes,
                 file.str());
  return Error::success();
}
