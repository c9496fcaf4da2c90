//===- PackedWeights.cpp - Checkpoints that are quantized already ---------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"

#include "compiler/Import/ImportError.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static const PackedMethod *const methods[] = {
    &awqMethod,  &bitNetMethod, &bitsAndBytesMethod, &compressedTensorsMethod,
    &fbgemmMethod, &float8Method, &gptqMethod,         &mxfp4Method,
};

/// The method, and its settings in `settings`. Without `quantization_config` a
/// folder may have tensors of 8-bit floats.
static Expected<const PackedMethod *>
findMethod(const JSONView &config, std::optional<JSONView> &settings) {
  // The second is the key of early files of compressed-tensors.
  for (StringRef key : {"quantization_config", "compression_config"}) {
    auto found = config.findObject(key);
    if (!found)
      return found.takeError();
    if (!*found)
      continue;
    settings.emplace(**found);
    auto name = settings->findString("quant_method");
    if (!name)
      return name.takeError();
    // Early folders of bitsandbytes don't name it.
    bool isOld = !*name && (settings->find("load_in_4bit") ||
                            settings->find("load_in_8bit"));
    StringRef wanted = isOld ? "bitsandbytes" : name->value_or("");
    std::string known;
    for (const PackedMethod *method : methods) {
      if (method->name == wanted)
        return method;
      known += (known.empty() ? "" : ", ") + method->name.str();
    }
    return settings->unsupportedKey(
        "quant_method",
        "unsupported: expected one of " + known + "; found " +
            quote(name->value_or("none")) +
            "; or take the folder that this was made from and compile it with "
            "--weights=FORMAT");
  }
  return &plainFloat8Method;
}

/// "q_proj" of "q_proj.qweight", or "".
static StringRef moduleOf(StringRef tensor, StringRef part) {
  bool isPart = tensor.consume_back(part) && tensor.consume_back(".");
  return isPart ? tensor : StringRef();
}

/// The layers that have codes.
static llvm::MapVector<StringRef, PackedWeights::Entry>
findModules(const PackedMethod &method, llvm::ArrayRef<StoredTensor> stored) {
  llvm::MapVector<StringRef, PackedWeights::Entry> modules;
  for (const StoredTensor &entry : stored)
    for (StringRef part : method.codes) {
      StringRef module = moduleOf(entry.tensor.name, part);
      if (module.empty() ||
          !llvm::is_contained(method.types, entry.tensor.type->name))
        continue;
      PackedWeights::Entry &found = modules[module];
      found.module = module.str();
      found.codes = &entry;
      found.weight.part = part.str();
    }
  return modules;
}

Expected<PackedWeights>
nibble::findPackedWeights(const JSONView &config, const ModelFile &model,
                          llvm::ArrayRef<StoredTensor> stored) {
  static const llvm::json::Object nothing;
  std::optional<JSONView> settings;
  auto method = findMethod(config, settings);
  if (!method)
    return method.takeError();
  if (!settings)
    settings.emplace(config.getFile(), nothing);
  PackedWeights result;
  result.method = (*method)->name;
  auto modules = findModules(**method, stored);
  llvm::StringMap<PackedModule> parts;
  for (auto &[name, entry] : modules)
    parts.try_emplace(name, model, name.str());
  for (const StoredTensor &entry : stored)
    for (llvm::ArrayRef<StringRef> list : {(*method)->codes, (*method)->parts})
      for (StringRef part : list) {
        auto module = parts.find(moduleOf(entry.tensor.name, part));
        if (module == parts.end())
          continue;
        module->second.add(part, entry);
        result.tensors.insert(entry.tensor.name);
      }
  for (auto &[name, entry] : modules) {
    if (Error error = (*method)->read(parts.find(name)->second, *settings,
                                      entry.weight))
      return std::move(error);
    result.weights.push_back(std::move(entry));
  }
  if (result.weights.empty() && !result.method.empty() && !stored.empty())
    return settings->unsupportedKey(
        "quant_method", "expected tensors that are packed by " +
                            quote(result.method) +
                            ", found none: values that are quantized when a "
                            "model is loaded are not supported");
  return std::move(result);
}
