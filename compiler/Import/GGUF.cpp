//===- GGUF.cpp - Reader of GGUF 2 and 3 model files ----------------------===//
//
// Joins the parts of a split model. The parsing of one part is GGUFParser.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUF.h"

#include "compiler/Import/GGUFParser.h"
#include "compiler/Import/GGUFScales.h"
#include "compiler/Import/ImportError.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

std::string GGUFFile::describeKind() const {
  return "GGUF " + std::to_string(version);
}

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
  auto scaled = applyTensorScales(*file);
  if (!scaled)
    return scaled.takeError();
  file->tensorList = std::move(*scaled);
  file->tensorIndex.clear();
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
