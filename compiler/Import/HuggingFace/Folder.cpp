//===- Folder.cpp - Models in Hugging Face folders ------------------------===//
//
// Finds the files, checks that they agree and gathers the tensors.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Folder.h"

#include "compiler/Import/HuggingFace/Config.h"
#include "compiler/Import/HuggingFace/TokenizerJSON.h"
#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef oneFile = "model.safetensors";
static constexpr StringRef indexFile = "model.safetensors.index.json";

/// More files than that are no model that anybody ships [30].
static constexpr size_t maxFiles = 512;
static constexpr size_t maxDimensions = 4; // of GGUF
static constexpr uint64_t maxTextBytes = 16 << 20; // [100 KB, a template]

std::string HuggingFaceFolder::pathOf(StringRef name) const {
  llvm::SmallString<256> result(path);
  llvm::sys::path::append(result, name);
  return result.str().str();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

GGUFValue &HuggingFaceFolder::add(StringRef key, GGUFValueType type,
                                  std::string origin) {
  auto [entry, inserted] = values.try_emplace(key);
  if (inserted)
    keyList.push_back(key.str());
  GGUFValue &value = entry->second;
  value = GGUFValue();
  value.type = type;
  value.origin = std::move(origin);
  return value;
}

void HuggingFaceFolder::addUInt(StringRef key, uint64_t value,
                                std::string origin) {
  add(key, GGUFValueType::UInt64, std::move(origin)).bits = value;
}

void HuggingFaceFolder::addFloat(StringRef key, double value,
                                 std::string origin) {
  add(key, GGUFValueType::Float64, std::move(origin)).real = value;
}

void HuggingFaceFolder::addBool(StringRef key, bool value,
                                std::string origin) {
  add(key, GGUFValueType::Bool, std::move(origin)).bits = value;
}

void HuggingFaceFolder::addString(StringRef key, StringRef value,
                                  std::string origin) {
  add(key, GGUFValueType::String, std::move(origin)).text = value.str();
}

void HuggingFaceFolder::addStrings(StringRef key, StringTable table,
                                   std::string origin) {
  GGUFValue &value = add(key, GGUFValueType::Array, std::move(origin));
  value.elementType = GGUFValueType::String;
  value.strings = std::move(table);
}

void HuggingFaceFolder::addInts(StringRef key, std::vector<uint64_t> numbers,
                                std::string origin) {
  GGUFValue &value = add(key, GGUFValueType::Array, std::move(origin));
  value.elementType = GGUFValueType::UInt64;
  value.numbers = std::move(numbers);
}

void HuggingFaceFolder::addFloats(StringRef key, std::vector<double> numbers,
                                  std::string origin) {
  GGUFValue &value = add(key, GGUFValueType::Array, std::move(origin));
  value.elementType = GGUFValueType::Float64;
  value.reals = std::move(numbers);
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

Expected<const InputFile *> HuggingFaceFolder::openFile(StringRef name) {
  std::string file = pathOf(name);
  if (!llvm::sys::fs::exists(file))
    return nullptr;
  auto input = InputFile::open(file);
  if (!input)
    return input.takeError();
  files.push_back(std::move(*input));
  return files.back().get();
}

Expected<std::optional<llvm::json::Object>>
HuggingFaceFolder::readJSON(StringRef name) {
  auto file = openFile(name);
  if (!file)
    return file.takeError();
  if (!*file)
    return std::nullopt;
  auto object = parseJSONObject(**file);
  if (!object)
    return object.takeError();
  return std::move(*object);
}

Expected<std::optional<llvm::json::Value>>
HuggingFaceFolder::readJSONValue(StringRef name) {
  auto file = openFile(name);
  if (!file)
    return file.takeError();
  if (!*file)
    return std::nullopt;
  auto value = parseJSON(**file, 0, (*file)->getSize());
  if (!value)
    return value.takeError();
  return std::move(*value);
}

Expected<std::optional<std::string>>
HuggingFaceFolder::readText(StringRef name) {
  std::string file = pathOf(name);
  if (!llvm::sys::fs::exists(file))
    return std::nullopt;
  auto input = InputFile::open(file);
  if (!input)
    return input.takeError();
  uint64_t size = (*input)->getSize();
  if (size > maxTextBytes)
    return malformed((*input)->at(0, "expected at most " +
                                         Twine(maxTextBytes) +
                                         " bytes of text, found " +
                                         Twine(size)));
  std::string text(size, '\0');
  llvm::MutableArrayRef<uint8_t> bytes(
      reinterpret_cast<uint8_t *>(text.data()), text.size());
  if (Error error = (*input)->readAt(0, bytes))
    return std::move(error);
  files.push_back(std::move(*input));
  return text;
}

/// Reads one file of tensors. `wanted`: the tensors that the index assigns to
/// it, by name; null without an index.
Error HuggingFaceFolder::readOne(
    StringRef name, const llvm::StringMap<StringRef> *wanted) {
  auto input = InputFile::open(pathOf(name));
  if (!input)
    return input.takeError();
  auto fileIndex = static_cast<uint32_t>(files.size());
  files.push_back(std::move(*input));
  auto tensors = readSafetensors(*files.back());
  if (!tensors)
    return tensors.takeError();
  for (SafetensorsTensor &tensor : *tensors) {
    if (wanted) {
      auto entry = wanted->find(tensor.name);
      if (entry == wanted->end() || entry->second != name)
        return malformed(files.back()->getPath() + ": tensor " +
                         quote(tensor.name) + ": expected in " +
                         (entry == wanted->end() ? StringRef("the index")
                                                 : entry->second) +
                         ", found here");
    }
    stored.push_back({std::move(tensor), fileIndex});
  }
  return Error::success();
}

Error HuggingFaceFolder::readIndexed(const llvm::json::Object &index) {
  std::string file = pathOf(indexFile);
  const llvm::json::Object *map = index.getObject("weight_map");
  if (!map)
    return malformed(file + ": 'weight_map': expected the file of each tensor");
  llvm::StringMap<StringRef> fileOf;
  std::vector<StringRef> names;
  for (const auto &[tensor, value] : *map) {
    auto name = value.getAsString();
    // Never outside of the folder.
    if (!name || name->empty() || name->contains('/') || name->contains('\\') ||
        !name->ends_with(".safetensors"))
      return malformed(file + ": 'weight_map': tensor " + quote(tensor) +
                       ": expected the name of a .safetensors file in this "
                       "folder, found " +
                       quote(name.value_or("no name")));
    fileOf[tensor] = *name;
    names.push_back(*name);
  }
  llvm::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > maxFiles)
    return malformed(file + ": 'weight_map': expected at most " +
                     Twine(maxFiles) + " files, found " + Twine(names.size()));
  for (StringRef name : names)
    if (Error error = readOne(name, &fileOf))
      return error;
  llvm::StringSet<> found;
  for (const StoredTensor &entry : stored)
    found.insert(entry.tensor.name);
  for (const auto &entry : fileOf)
    if (!found.contains(entry.getKey()))
      return malformed(pathOf(entry.getValue()) + ": tensor " +
                       quote(entry.getKey()) +
                       ": expected here by the index, found no such tensor");
  return Error::success();
}

Error HuggingFaceFolder::readFiles() {
  if (llvm::sys::fs::exists(pathOf(oneFile)))
    return readOne(oneFile, nullptr);
  auto index = readJSON(indexFile);
  if (!index)
    return index.takeError();
  if (*index)
    return readIndexed(**index);
  if (llvm::sys::fs::exists(pathOf("pytorch_model.bin")))
    return unsupported(path + ": expected " + oneFile + ", found "
                              "pytorch_model.bin: pickled tensors are programs "
                              "and are not read");
  return Error::success(); // a tokenizer alone
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// The name in GGUF's words, the dimensions in its order.
Error HuggingFaceFolder::addTensor(const SafetensorsTensor &source,
                                   uint32_t fileIndex) {
  GGUFTensor tensor;
  tensor.name = translateTensorName(source.name, *architecture);
  if (tensor.name.empty() || (tied && tensor.name == "output.weight"))
    return Error::success();
  tensor.origin = source.name;
  tensor.fileIndex = fileIndex;
  tensor.offset = source.offset;
  tensor.byteSize = source.byteSize;
  tensor.infoOffset = sizeof(uint64_t); // the header
  const GGMLType *type = findGGMLTypeByName(source.type->format);
  if (!type)
    return unsupportedTensor(tensor, "unsupported tensor type " +
                                         source.type->name);
  tensor.typeId = type->id;
  if (architecture->normsLessOne &&
      StringRef(tensor.name).ends_with("norm.weight"))
    tensor.plus = 1;
  tensor.dims.assign(source.shape.rbegin(), source.shape.rend());
  // A kernel of one channel each: (channels, 1, taps).
  if (StringRef(tensor.name).ends_with("shortconv.conv.weight"))
    llvm::erase(tensor.dims, 1u);
  if (tensor.dims.empty())
    tensor.dims.push_back(1);
  if (tensor.dims.size() > maxDimensions || llvm::is_contained(tensor.dims, 0u))
    return tensorError(tensor, "expected 1 to " + Twine(maxDimensions) +
                                   " dimensions of at least 1, found " +
                                   describeDims(tensor.dims));
  tensorList.push_back(std::move(tensor));
  return Error::success();
}

/// A weight in several tensors, and the order of its columns.
Error HuggingFaceFolder::addPacked(PackedWeights::Entry &entry) {
  const PackedWeight &weight = entry.weight;
  GGUFTensor tensor;
  std::string name = entry.module + ".weight";
  tensor.name = translateTensorName(name, *architecture);
  if (tensor.name.empty() || (tied && tensor.name == "output.weight"))
    return Error::success();
  tensor.origin = entry.codes->tensor.name;
  tensor.fileIndex = entry.codes->fileIndex;
  tensor.offset = entry.codes->tensor.offset;
  tensor.byteSize = entry.codes->tensor.byteSize;
  tensor.infoOffset = sizeof(uint64_t); // the header
  tensor.typeId = findGGMLTypeByName("i8")->id;
  tensor.dims = {weight.columns, weight.rows};
  auto packed = std::make_shared<PackedTensor>(std::move(entry.weight.packed));
  if (packed->order) {
    GGUFTensor order = tensor;
    packed->orderName = order.name =
        StringRef(tensor.name).drop_back(strlen("weight")).str() + "order";
    order.fileIndex = packed->order.fileIndex;
    order.offset = packed->order.offset;
    order.byteSize = packed->order.byteSize;
    order.typeId = findGGMLTypeByName("i32")->id;
    order.dims = {tensor.dims.front()};
    order.isColumnOrder = true;
    tensorList.push_back(std::move(order));
  }
  tensor.packed = std::move(packed);
  tensorList.push_back(std::move(tensor));
  return Error::success();
}

Error HuggingFaceFolder::addTensors(const JSONView &config) {
  auto packed = findPackedWeights(config, *this, stored);
  if (!packed)
    return packed.takeError();
  method = packed->method.str();
  for (const StoredTensor &entry : stored)
    if (!packed->tensors.contains(entry.tensor.name))
      if (Error error = addTensor(entry.tensor, entry.fileIndex))
        return error;
  for (PackedWeights::Entry &entry : packed->weights)
    if (Error error = addPacked(entry))
      return error;
  return Error::success();
}

std::string HuggingFaceFolder::describeKind() const {
  return "Hugging Face folder" + (method.empty() ? "" : ", " + method);
}

Expected<std::unique_ptr<HuggingFaceFolder>>
HuggingFaceFolder::open(StringRef path) {
  if (path.size() > 1)
    path.consume_back("/"); // the folder's name is the program's
  std::unique_ptr<HuggingFaceFolder> folder(new HuggingFaceFolder(path));
  auto config = folder->readJSON("config.json");
  if (!config)
    return config.takeError();
  if (!*config)
    return malformed(path + ": expected a folder with config.json, found none");
  std::string configPath = folder->pathOf("config.json");
  JSONView view(configPath, **config);
  auto architecture = translateConfig(view, *folder);
  if (!architecture)
    return architecture.takeError();
  folder->architecture = *architecture;
  auto tied = view.findBool("tie_word_embeddings");
  if (!tied)
    return tied.takeError();
  folder->tied = tied->value_or(false);
  if (Error error = folder->readFiles())
    return std::move(error);
  if (Error error = folder->addTensors(view))
    return std::move(error);
  if (Error error = folder->checkUniqueNames())
    return std::move(error);
  if (Error error = translateTexts(view, *folder))
    return std::move(error);
  return std::move(folder);
}

Expected<std::unique_ptr<HuggingFaceFolder>>
HuggingFaceFolder::openTexts(StringRef path, StringRef vocabulary) {
  std::unique_ptr<HuggingFaceFolder> folder(new HuggingFaceFolder(path));
  auto config = folder->readJSON("config.json");
  if (!config)
    return config.takeError();
  const llvm::json::Object none;
  std::string configPath = folder->pathOf("config.json");
  if (Error error = translateTexts(
          JSONView(configPath, *config ? **config : none), *folder,
          vocabulary))
    return std::move(error);
  if (!folder->find("tokenizer.ggml.model"))
    return malformed(path + ": expected " +
                     (vocabulary.empty()
                          ? "tokenizer.json or vocab.txt, found neither"
                          : vocabulary.str() + ", found no such file"));
  return std::move(folder);
}
