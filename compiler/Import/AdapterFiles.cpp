//===- AdapterFiles.cpp - Files of LoRA adapters --------------------------===//
//
// PEFT: tensors MODULE.lora_A.weight (rank × columns), MODULE.lora_B.weight
// (rows × rank) and MODULE.lora_magnitude_vector; the factor is alpha / rank, or
// alpha / sqrt(rank) with use_rslora (arXiv 2312.03732). GGUF: WEIGHT.lora_a and
// WEIGHT.lora_b; the factor is adapter.lora.alpha / rank, or 1 without an alpha.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Adapters.h"

#include "compiler/Import/GGUF.h"
#include "compiler/Import/HuggingFace/Config.h"
#include "compiler/Import/ImportError.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <map>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Modules by weight.
using Modules = std::map<std::string, AdapterModule>;

/// What adapter_config.json says.
class PeftReader {
public:
  PeftReader(StringRef folder) : folder(folder.str()) {}

  Expected<Adapter> read();

private:
  std::string pathOf(StringRef name) const {
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, name);
    return path.str().str();
  }
  Error refuseSettings(const JSONView &config);
  Error addTensor(const SafetensorsTensor &tensor, StringRef file);
  Error scaleModules(const JSONView &config);
  Expected<double> alphaOf(const JSONView &config, StringRef module) const;

  std::string folder;
  Modules modules;
};

/// Settings that change what the adapter computes, and that have no equal here.
Error PeftReader::refuseSettings(const JSONView &config) {
  auto kind = config.findString("peft_type");
  if (!kind)
    return kind.takeError();
  if (kind->value_or("") != "LORA")
    return config.unsupportedKey("peft_type", "expected LORA, found " +
                                                  quote(kind->value_or("")));
  auto bias = config.findString("bias");
  if (!bias)
    return bias.takeError();
  if (bias->value_or("none") != "none")
    return config.unsupportedKey("bias",
                                 "expected none, found " + quote(**bias));
  for (StringRef key : {"fan_in_fan_out", "lora_bias", "use_qalora"}) {
    auto flag = config.findBool(key);
    if (!flag)
      return flag.takeError();
    if (flag->value_or(false))
      return config.unsupportedKey(key, "expected false, found true");
  }
  // Other things than factors of low rank.
  for (StringRef key : {"layer_replication", "use_bdlora", "kasa_config",
                        "alora_invocation_tokens", "monteclora_config",
                        "velora_config", "modules_to_save", "arrow_config",
                        "trainable_token_indices", "target_parameters"})
    if (config.find(key))
      return config.unsupportedKey(key, "expected null, found " +
                                            describeKind(*config.find(key)));
  // Ways to begin that take something out of the base model.
  const llvm::json::Value *begin = config.find("init_lora_weights");
  StringRef name = begin ? begin->getAsString().value_or("") : "";
  for (StringRef changes : {"pissa", "olora", "corda", "loftq"})
    if (name.starts_with(changes))
      return config.unsupportedKey("init_lora_weights",
                                   "expected an adapter of the published "
                                   "model, found one of a model changed by " +
                                       quote(name));
  return Error::success();
}

Error PeftReader::addTensor(const SafetensorsTensor &tensor, StringRef file) {
  StringRef name = tensor.name;
  name.consume_back(".weight");
  auto [module, part] = name.rsplit('.');
  module.consume_front("base_model.model.");
  std::string weight =
      translateTensorName((module + ".weight").str(), HuggingFaceArchitecture());
  AdapterModule &entry = modules[weight];
  entry.weight = weight;
  entry.origin = module.str();
  AdapterModule::Part *where = part == "lora_A"   ? &entry.a
                               : part == "lora_B" ? &entry.b
                               : part == "lora_magnitude_vector"
                                   ? &entry.magnitude
                                   : nullptr;
  if (!where || tensor.shape.empty())
    return unsupported(file + ": tensor " + quote(tensor.name) +
                       ": expected lora_A, lora_B or lora_magnitude_vector of "
                       "a module");
  StringRef format = tensor.type->format;
  if (format != "f32" && format != "f16" && format != "bf16")
    return unsupported(file + ": tensor " + quote(tensor.name) +
                       ": expected F32, F16 or BF16, found " +
                       tensor.type->name);
  *where = {file.str(), format.str(), tensor.offset, tensor.byteSize,
            tensor.shape};
  return Error::success();
}

/// alpha_pattern names modules by their last parts.
Expected<double> PeftReader::alphaOf(const JSONView &config,
                                     StringRef module) const {
  auto alpha = config.findNumber("lora_alpha");
  if (!alpha)
    return alpha.takeError();
  if (!*alpha)
    return config.malformedKey("lora_alpha", "expected a number, found none");
  auto pattern = config.findObject("alpha_pattern");
  if (!pattern || !*pattern)
    return pattern ? Expected<double>(**alpha) : pattern.takeError();
  for (const auto &[key, value] : (*pattern)->get()) {
    StringRef suffix = key;
    if (suffix.find_first_of("*+?[](){}|^$\\") != StringRef::npos)
      return (*pattern)->unsupportedKey(suffix, "unsupported: a regular "
                                                "expression");
    auto number = value.getAsNumber();
    if (!number)
      return (*pattern)->malformedKey(suffix, "expected a number");
    if (module == suffix || module.ends_with(("." + suffix).str()))
      return *number;
  }
  return **alpha;
}

Error PeftReader::scaleModules(const JSONView &config) {
  auto rooted = config.findBool("use_rslora");
  if (!rooted)
    return rooted.takeError();
  auto decomposed = config.findBool("use_dora");
  if (!decomposed)
    return decomposed.takeError();
  for (auto &[weight, module] : modules) {
    bool hasMagnitude = !module.magnitude.shape.empty();
    if (module.a.shape.empty() || module.b.shape.empty() ||
        module.a.shape[0] == 0 || hasMagnitude != decomposed->value_or(false))
      return malformed(config.getFile() + ": module " + quote(module.origin) +
                       ": expected both factors, and magnitudes with DoRA "
                       "alone");
    auto alpha = alphaOf(config, module.origin);
    if (!alpha)
      return alpha.takeError();
    auto rank = static_cast<double>(module.a.shape[0]);
    module.scale = *alpha / (rooted->value_or(false) ? std::sqrt(rank) : rank);
  }
  return Error::success();
}

/// The modules without their names.
std::vector<AdapterModule> takeModules(Modules &modules) {
  std::vector<AdapterModule> list;
  for (auto &entry : modules)
    list.push_back(std::move(entry.second));
  return list;
}

Expected<Adapter> PeftReader::read() {
  std::string configPath = pathOf("adapter_config.json");
  auto file = InputFile::open(configPath);
  if (!file)
    return file.takeError();
  auto object = parseJSONObject(**file);
  if (!object)
    return object.takeError();
  JSONView config(configPath, *object);
  if (Error error = refuseSettings(config))
    return std::move(error);
  auto weights = InputFile::open(pathOf("adapter_model.safetensors"));
  if (!weights)
    return weights.takeError();
  auto tensors = readSafetensors(**weights);
  if (!tensors)
    return tensors.takeError();
  for (const SafetensorsTensor &tensor : *tensors)
    if (Error error = addTensor(tensor, (*weights)->getPath()))
      return std::move(error);
  if (Error error = scaleModules(config))
    return std::move(error);
  Adapter adapter;
  adapter.path = folder;
  adapter.modules = takeModules(modules);
  return adapter;
}

Expected<Adapter> readGGUFAdapter(StringRef path) {
  auto opened = GGUFFile::open(path);
  if (!opened)
    return opened.takeError();
  const GGUFFile &file = **opened;
  for (auto [key, expected] : {std::pair<StringRef, StringRef>{"general.type",
                                                               "adapter"},
                               {"adapter.type", "lora"}}) {
    auto found = file.getString(key);
    if (!found)
      return found.takeError();
    if (*found != expected)
      return file.unsupportedKey(key, "expected " + expected + ", found " +
                                          quote(*found));
  }
  auto alpha = file.findFloat("adapter.lora.alpha");
  if (!alpha)
    return alpha.takeError();
  Modules modules;
  for (const GGUFTensor &tensor : file.tensors()) {
    StringRef weight = tensor.name;
    bool isA = weight.consume_back(".lora_a");
    if (!isA && !weight.consume_back(".lora_b"))
      return file.unsupportedTensor(tensor, "expected a name that ends with "
                                            ".lora_a or .lora_b");
    AdapterModule &module = modules[weight.str()];
    module.weight = module.origin = weight.str();
    (isA ? module.a : module.b) = {
        file.getFile(tensor.fileIndex).getPath().str(),
        tensor.getType().name.str(), tensor.offset, tensor.byteSize,
        {tensor.dims.rbegin(), tensor.dims.rend()}};
  }
  for (auto &[weight, module] : modules) {
    if (module.a.shape.empty() || module.b.shape.empty())
      return malformed(path + ": module " + quote(weight) +
                       ": expected both factors");
    double factor = alpha->value_or(0);
    module.scale =
        factor == 0 ? 1 : factor / static_cast<double>(module.a.shape[0]);
  }
  Adapter adapter;
  adapter.path = path.str();
  adapter.interleaved = true;
  adapter.modules = takeModules(modules);
  return adapter;
}

} // namespace

Expected<Adapter> nibble::readAdapter(StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return PeftReader(path).read();
  if (path.ends_with(".safetensors"))
    return PeftReader(llvm::sys::path::parent_path(path)).read();
  return readGGUFAdapter(path);
}
