//===- GGUF.cpp - Reader of GGUF 2 and 3 model files ----------------------===//
//
// Joins the parts of a split model and answers typed questions about the
// metadata. The parsing of one part is GGUFParser.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUF.h"

#include "compiler/Import/GGUFParser.h"
#include "compiler/Import/ImportError.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

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

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<GGUFFile>> GGUFFile::open(StringRef path) {
  auto input = InputFile::open(path);
  if (!input)
    return input.takeError();
  std::unique_ptr<GGUFFile> file(new GGUFFile());
  file->files.push_back(std::move(*input));

  GGUFParser parser(*file->files.front(), /*fileIndex=*/0);
  if (Error error = parser.parse())
    return std::move(error);
  file->version = parser.version;
  file->keyList = std::move(parser.keys);
  file->values = std::move(parser.values);
  file->tensorList = std::move(parser.tensors);

  auto count = file->findUInt("split.count", 0, GGUFLimits::parts);
  if (!count)
    return count.takeError();
  if (count->value_or(0) > 1)
    if (Error error = file->openParts(**count))
      return std::move(error);
  if (Error error = file->checkUniqueNames())
    return std::move(error);
  return std::move(file);
}

/// "PREFIX-00001-of-00003.gguf" for part 0 of 3.
static std::string getPartPath(StringRef prefix, uint64_t index,
                               uint64_t count) {
  std::string path;
  llvm::raw_string_ostream(path)
      << prefix << llvm::format("-%05u-of-%05u.gguf",
                                static_cast<unsigned>(index + 1),
                                static_cast<unsigned>(count));
  return path;
}

/// Checks what a part says of its place in the whole.
static Error checkPart(const GGUFParser &part, const InputFile &file,
                       uint64_t index, uint64_t count) {
  auto expect = [&](StringRef key, uint64_t expected) -> Error {
    auto entry = part.values.find(key);
    if (entry == part.values.end())
      return malformed(file.getPath() + ": key '" + key + "': expected " +
                       Twine(expected) + ", found no such key");
    const GGUFValue &value = entry->second;
    if (value.type != GGUFValueType::UInt16 || value.bits != expected)
      return malformed(file.at(value.offset, "key '" + key + "': expected " +
                                                 Twine(expected) +
                                                 " as u16, found " +
                                                 Twine(value.bits) + " as " +
                                                 value.describeType()));
    return Error::success();
  };
  if (Error error = expect("split.no", index))
    return error;
  return expect("split.count", count);
}

Error GGUFFile::openParts(uint64_t count) {
  auto number = getUInt("split.no", 0, GGUFLimits::parts);
  if (!number)
    return number.takeError();
  if (*number != 0)
    return keyError("split.no", "expected 0, found " + Twine(*number) +
                                    ": this is part " + Twine(*number + 1) +
                                    " of " + Twine(count) +
                                    "; name the first part instead");
  StringRef prefix = getPath();
  if (!prefix.consume_back(getPartPath("", 0, count)))
    return keyError("split.count",
                    "expected the file of a split model to be named PREFIX" +
                        getPartPath("", 0, count) + ", found " +
                        quote(getPath()));
  for (uint64_t index = 1; index < count; ++index) {
    auto input = InputFile::open(getPartPath(prefix, index, count));
    if (!input)
      return input.takeError();
    files.push_back(std::move(*input));
    GGUFParser part(*files.back(), static_cast<uint32_t>(index));
    if (Error error = part.parse())
      return error;
    if (Error error = checkPart(part, *files.back(), index, count))
      return error;
    for (GGUFTensor &tensor : part.tensors)
      tensorList.push_back(std::move(tensor));
  }
  auto total = findUInt("split.tensors.count");
  if (!total)
    return total.takeError();
  if (*total && **total != tensorList.size())
    return keyError("split.tensors.count", "expected " + Twine(**total) +
                                               " tensors in all parts, found " +
                                               Twine(tensorList.size()));
  return Error::success();
}

Error GGUFFile::checkUniqueNames() {
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

uint64_t GGUFFile::getTotalBytes() const {
  uint64_t total = 0;
  for (const auto &file : files)
    total += file->getSize();
  return total;
}

Error GGUFFile::readAt(uint32_t fileIndex, uint64_t offset,
                       llvm::MutableArrayRef<uint8_t> buffer) const {
  if (fileIndex >= files.size())
    return malformed(getPath() + ": expected a part below " +
                     Twine(files.size()) + ", found " + Twine(fileIndex));
  return files[fileIndex]->readAt(offset, buffer);
}

//===----------------------------------------------------------------------===//
// Look-up
//===----------------------------------------------------------------------===//

const GGUFTensor *GGUFFile::findTensor(StringRef name) const {
  auto entry = tensorIndex.find(name);
  return entry == tensorIndex.end() ? nullptr : &tensorList[entry->second];
}

const GGUFValue *GGUFFile::find(StringRef key) const {
  auto entry = values.find(key);
  return entry == values.end() ? nullptr : &entry->second;
}

Error GGUFFile::keyError(StringRef key, const Twine &message) const {
  std::string text = ("key " + quote(key) + ": " + message).str();
  if (const GGUFValue *value = find(key))
    return malformed(files.front()->at(value->offset, text));
  return malformed(getPath() + ": " + text);
}

Error GGUFFile::tensorError(const GGUFTensor &tensor,
                            const Twine &message) const {
  return malformed(getFile(tensor.fileIndex)
                       .at(tensor.infoOffset, "tensor " + quote(tensor.name) +
                                                  ": " + message));
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

Expected<std::optional<uint64_t>> GGUFFile::findUInt(StringRef key,
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

Expected<std::optional<double>> GGUFFile::findFloat(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (!isFloat(value->type))
    return keyError(key, "expected a float, found " + value->describeType());
  return value->real;
}

Expected<std::optional<bool>> GGUFFile::findBool(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GGUFValueType::Bool)
    return keyError(key, "expected a bool, found " + value->describeType());
  return value->bits != 0;
}

Expected<std::optional<StringRef>> GGUFFile::findString(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GGUFValueType::String)
    return keyError(key, "expected a string, found " + value->describeType());
  return StringRef(value->text);
}

Expected<const StringTable *> GGUFFile::findStrings(StringRef key) const {
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
GGUFFile::findInts(StringRef key) const {
  const GGUFValue *value = find(key);
  if (!value)
    return nullptr;
  if (value->type != GGUFValueType::Array || !isInteger(value->elementType))
    return keyError(key, "expected an array of integers, found " +
                             value->describeType());
  return &value->numbers;
}

Expected<const std::vector<double> *>
GGUFFile::findFloats(StringRef key) const {
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
static Expected<T> require(const GGUFFile &file, StringRef key,
                           Expected<std::optional<T>> value) {
  if (!value)
    return value.takeError();
  if (!*value)
    return file.keyError(key, "expected in the metadata, found no such key");
  return **value;
}

Expected<uint64_t> GGUFFile::getUInt(StringRef key, uint64_t minimum,
                                     uint64_t maximum) const {
  return require(*this, key, findUInt(key, minimum, maximum));
}

Expected<double> GGUFFile::getFloat(StringRef key) const {
  return require(*this, key, findFloat(key));
}

Expected<StringRef> GGUFFile::getString(StringRef key) const {
  return require(*this, key, findString(key));
}
