//===- ModelFile.cpp - What a model says of itself ------------------------===//
//
// Answers typed questions about the metadata. See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ModelFile.h"

#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

StringRef nibble::getName(GGUFValueType type) {
  static const StringRef names[] = {"u8",   "i8",     "u16",   "i16", "u32",
                                    "i32",  "f32",    "bool",  "string",
                                    "array", "u64",   "i64",   "f64"};
  return names[static_cast<uint32_t>(type)];
}

std::string GGUFValue::describeType() const {
  if (type == GGUFValueType::Array)
    return ("array of " + getName(elementType)).str();
  return getName(type).str();
}

uint64_t GGUFTensor::getElementCount() const {
  uint64_t count = 1; // checked by the parser to be below 2^63
  for (uint64_t dim : dims)
    count *= dim;
  return count;
}

std::string nibble::describeDims(llvm::ArrayRef<uint64_t> dims) {
  std::string result;
  for (uint64_t dim : dims)
    result += (result.empty() ? "" : " x ") + std::to_string(dim);
  return result;
}

Error ModelFile::checkUniqueNames() {
  for (size_t i = 0; i < tensorList.size(); ++i) {
    auto [entry, inserted] = tensorIndex.try_emplace(tensorList[i].name, i);
    if (inserted)
      continue;
    const GGUFTensor &first = tensorList[entry->second];
    return tensorError(tensorList[i],
                       "expected each tensor once, found it again (first at "
                       "byte " +
                           Twine(first.infoOffset) + " of " +
                           getFile(first.fileIndex).getPath() + ")");
  }
  return Error::success();
}

uint64_t ModelFile::getTotalBytes() const {
  uint64_t total = 0;
  for (const auto &file : files)
    total += file->getSize();
  return total;
}

Error ModelFile::readAt(uint32_t fileIndex, uint64_t offset,
                       llvm::MutableArrayRef<uint8_t> buffer) const {
  if (fileIndex >= files.size())
    return malformed(getPath() + ": expected a part below " +
                     Twine(files.size()) + ", found " + Twine(fileIndex));
  return files[fileIndex]->readAt(offset, buffer);
}

//===----------------------------------------------------------------------===//
// Look-up
//===----------------------------------------------------------------------===//

const GGUFTensor *ModelFile::findTensor(StringRef name) const {
  auto entry = tensorIndex.find(name);
  return entry == tensorIndex.end() ? nullptr : &tensorList[entry->second];
}

const GGUFValue *ModelFile::find(StringRef key) const {
  auto entry = values.find(key);
  return entry == values.end() ? nullptr : &entry->second;
}

/// "FILE: at byte N: key 'K': message", or the value's own origin.
static std::string describeKey(const ModelFile &model, StringRef key,
                               const Twine &message) {
  const GGUFValue *value = model.find(key);
  if (value && !value->origin.empty())
    return (model.getPath() + ": " + value->origin + ": " + message).str();
  std::string text = ("key " + quote(key) + ": " + message).str();
  if (value)
    return model.getFile(0).at(value->offset, text);
  return (model.getPath() + ": " + text).str();
}

static std::string describeTensor(const ModelFile &model,
                                  const GGUFTensor &tensor,
                                  const Twine &message) {
  const std::string &name = tensor.origin.empty() ? tensor.name : tensor.origin;
  return model.getFile(tensor.fileIndex)
      .at(tensor.infoOffset, "tensor " + quote(name) + ": " + message);
}

Error ModelFile::keyError(StringRef key, const Twine &message) const {
  return malformed(describeKey(*this, key, message));
}

Error ModelFile::unsupportedKey(StringRef key, const Twine &message) const {
  return unsupported(describeKey(*this, key, message));
}

Error ModelFile::tensorError(const GGUFTensor &tensor,
                             const Twine &message) const {
  return malformed(describeTensor(*this, tensor, message));
}

Error ModelFile::unsupportedTensor(const GGUFTensor &tensor,
                                   const Twine &message) const {
  return unsupported(describeTensor(*this, tensor, message));
}

static bool isSigned(GGUFValueType type) {
  return type == GGUFValueType::Int8 || type == GGUFValueType::Int16 ||
         type == GGUFValueType::Int32 || type == GGUFValueType::Int64;
}

static bool isInteger(GGUFValueType type) {
  return isSigned(type) || type == GGUFValueType::UInt8 ||
         type == GGUFValueType::UInt16 || type == GGUFValueType::UInt32 ||
         type == GGUFValueType::UInt64;
}

static bool isFloat(GGUFValueType type) {
  return type == GGUFValueType::Float32 || type == GGUFValueType::Float64;
}

Expected<std::optional<uint64_t>> ModelFile::findUInt(StringRef key,
                                                     uint64_t minimum,
                                                     uint64_t maximum) const {
  const GGUFValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (!isInteger(value->type))
    return keyError(key, "expected an integer, found " + value->describeType());
  bool negative =
      isSigned(value->type) && static_cast<int64_t>(value->bits) < 0;
  if (negative || value->bits < minimum || value->bits > maximum)
    return keyError(key, "expected an integer from " + Twine(minimum) + " to " +
                             Twine(maximum) + ", found " +
                             (negative
                                  ? Twine(static_cast<int64_t>(value->bits))
                                  : Twine(value->bits)));
  return value->bits;
}

Expected<std::optional<double>> ModelFile::findFloat(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (!isFloat(value->type))
    return keyError(key, "expected a float, found " + value->describeType());
  return value->real;
}

Expected<std::optional<bool>> ModelFile::findBool(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GGUFValueType::Bool)
    return keyError(key, "expected a bool, found " + value->describeType());
  return value->bits != 0;
}

Expected<std::optional<StringRef>> ModelFile::findString(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GGUFValueType::String)
    return keyError(key, "expected a string, found " + value->describeType());
  return StringRef(value->text);
}

Expected<const StringTable *> ModelFile::findStrings(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return nullptr;
  if (value->type != GGUFValueType::Array ||
      value->elementType != GGUFValueType::String)
    return keyError(key, "expected an array of string, found " +
                             value->describeType());
  return &value->strings;
}

Expected<const std::vector<uint64_t> *>
ModelFile::findInts(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return nullptr;
  if (value->type != GGUFValueType::Array || !isInteger(value->elementType))
    return keyError(key, "expected an array of integers, found " +
                             value->describeType());
  return &value->numbers;
}

Expected<const std::vector<double> *>
ModelFile::findFloats(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return nullptr;
  if (value->type != GGUFValueType::Array || !isFloat(value->elementType))
    return keyError(key, "expected an array of floats, found " +
                             value->describeType());
  return &value->reals;
}

/// Turns an absent optional into an error that names the key.
template <typename T>
static Expected<T> require(const ModelFile &file, StringRef key,
                           Expected<std::optional<T>> value) {
  if (!value)
    return value.takeError();
  if (!*value)
    return file.keyError(key, "expected in the metadata, found no such key");
  return **value;
}

Expected<uint64_t> ModelFile::getUInt(StringRef key, uint64_t minimum,
                                     uint64_t maximum) const {
  return require(*this, key, findUInt(key, minimum, maximum));
}

Expected<double> ModelFile::getFloat(StringRef key) const {
  return require(*this, key, findFloat(key));
}

Expected<StringRef> ModelFile::getString(StringRef key) const {
  return require(*this, key, findString(key));
}
