//===- Safetensors.cpp - Reader of safetensors files ----------------------===//
//
// See the header. Every number of the file is compared with what remains of the
// file before it is used.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Safetensors.h"

#include "compiler/Import/HuggingFace/JSONFile.h"
#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CheckedArithmetic.h"

#include <tuple>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

const SafetensorsType *nibble::findSafetensorsType(StringRef name) {
  static const SafetensorsType types[] = {
      {"BF16", 16, "bf16"},      {"BOOL", 8, ""},
      {"F16", 16, "f16"},        {"F32", 32, "f32"},
      {"F64", 64, "f64"},        {"F8_E4M3", 8, "f8e4m3"},
      {"F8_E5M2", 8, "f8e5m2"},  {"F8_E8M0", 8, ""},
      {"I16", 16, ""},           {"I32", 32, ""},
      {"I64", 64, ""},           {"I8", 8, "i8"},
      {"U16", 16, ""},           {"U32", 32, ""},
      {"U64", 64, ""},           {"U8", 8, ""},
  };
  const auto *type = llvm::find_if(
      types, [&](const SafetensorsType &row) { return row.name == name; });
  return type == std::end(types) ? nullptr : type;
}

namespace {

/// Reads the description of one tensor.
class EntryReader {
public:
  EntryReader(const InputFile &file, StringRef name, uint64_t dataStart)
      : file(file), name(name), dataStart(dataStart) {}

  Expected<SafetensorsTensor> read(const llvm::json::Value &value);

private:
  Error bad(const Twine &message) const {
    return malformed(file.getPath() + ": tensor " + quote(name) + ": " +
                     message);
  }
  Error readType(const llvm::json::Object &object, SafetensorsTensor &tensor);
  Error readShape(const llvm::json::Object &object, SafetensorsTensor &tensor);
  Error readRange(const llvm::json::Object &object, SafetensorsTensor &tensor);

  const InputFile &file;
  StringRef name;
  uint64_t dataStart;
};

Error EntryReader::readType(const llvm::json::Object &object,
                            SafetensorsTensor &tensor) {
  auto type = object.getString("dtype");
  if (!type)
    return bad("'dtype': expected the name of a type, found none");
  tensor.type = findSafetensorsType(*type);
  if (!tensor.type)
    return unsupported(file.getPath() + ": tensor " + quote(name) +
                       ": 'dtype': unsupported type " + quote(*type));
  return Error::success();
}

/// A JSON integer that is not negative, or none.
static std::optional<uint64_t> getCount(const llvm::json::Value &value) {
  if (auto number = value.getAsUINT64())
    return *number;
  return std::nullopt;
}

Error EntryReader::readShape(const llvm::json::Object &object,
                             SafetensorsTensor &tensor) {
  const llvm::json::Array *shape = object.getArray("shape");
  if (!shape || shape->size() > SafetensorsLimits::dimensions)
    return bad("'shape': expected an array of at most " +
               Twine(SafetensorsLimits::dimensions) + " sizes");
  uint64_t bits = tensor.type->bits;
  for (const llvm::json::Value &value : *shape) {
    auto size = getCount(value);
    if (!size)
      return bad("'shape': expected sizes, found " + describeKind(value));
    auto product = llvm::checkedMulUnsigned(bits, *size);
    if (!product)
      return bad("'shape': expected a tensor below 2^61 bytes");
    bits = *product;
    tensor.shape.push_back(*size);
  }
  tensor.byteSize = bits / 8;
  if (bits % 8 != 0)
    return bad("'shape': expected a whole number of bytes, found " +
               Twine(bits) + " bits");
  return Error::success();
}

Error EntryReader::readRange(const llvm::json::Object &object,
                             SafetensorsTensor &tensor) {
  const llvm::json::Array *range = object.getArray("data_offsets");
  if (!range || range->size() != 2)
    return bad("'data_offsets': expected a beginning and an end");
  auto begin = getCount((*range)[0]), end = getCount((*range)[1]);
  uint64_t available = file.getSize() - dataStart;
  if (!begin || !end || *begin > *end || *end > available)
    return bad("'data_offsets': expected a range in the " + Twine(available) +
               " bytes behind the header");
  if (*end - *begin != tensor.byteSize)
    return bad("'data_offsets': expected " + Twine(tensor.byteSize) +
               " bytes, as type and shape say, found " + Twine(*end - *begin));
  tensor.offset = dataStart + *begin;
  return Error::success();
}

Expected<SafetensorsTensor>
EntryReader::read(const llvm::json::Value &value) {
  const llvm::json::Object *object = value.getAsObject();
  if (name.empty() || !object)
    return bad("expected a name and an object, found " + describeKind(value));
  SafetensorsTensor tensor;
  tensor.name = name.str();
  if (Error error = readType(*object, tensor))
    return std::move(error);
  if (Error error = readShape(*object, tensor))
    return std::move(error);
  if (Error error = readRange(*object, tensor))
    return std::move(error);
  return tensor;
}

/// The ranges must cover [start, end of the file) one after the other.
Error checkCover(const InputFile &file, uint64_t start,
                 llvm::ArrayRef<SafetensorsTensor> tensors) {
  uint64_t expected = start;
  for (const SafetensorsTensor &tensor : tensors) {
    if (tensor.offset != expected)
      return malformed(file.getPath() + ": tensor " + quote(tensor.name) +
                       ": expected its bytes at byte " + Twine(expected) +
                       ", behind those of the tensor before, found them at " +
                       Twine(tensor.offset));
    expected += tensor.byteSize;
  }
  if (expected != file.getSize())
    return malformed(file.at(expected, "expected the end of the file behind "
                                       "the last tensor, found " +
                                           Twine(file.getSize() - expected) +
                                           " more bytes"));
  return Error::success();
}

} // namespace

Expected<std::vector<SafetensorsTensor>>
nibble::readSafetensors(const InputFile &file) {
  BoundedReader reader(file);
  uint64_t headerBytes = 0;
  if (Error error = reader.read(headerBytes, "length of the header"))
    return std::move(error);
  uint64_t limit =
      std::min(SafetensorsLimits::headerBytes, reader.getRemaining());
  if (headerBytes > limit)
    return malformed(file.at(0, "length of the header: expected at most " +
                                    Twine(limit) + " bytes, found " +
                                    Twine(headerBytes)));
  auto header = parseJSONObject(file, reader.getPosition(), headerBytes);
  if (!header)
    return header.takeError();
  if (header->size() > SafetensorsLimits::tensors)
    return malformed(file.at(8, "header: expected at most " +
                                    Twine(SafetensorsLimits::tensors) +
                                    " tensors, found " +
                                    Twine(header->size())));
  uint64_t dataStart = reader.getPosition() + headerBytes;
  std::vector<SafetensorsTensor> tensors;
  for (const auto &[key, value] : *header) {
    if (key == "__metadata__")
      continue;
    auto tensor = EntryReader(file, key, dataStart).read(value);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
  // Empty tensors first where offsets are equal.
  llvm::sort(tensors, [](const auto &a, const auto &b) {
    return std::tie(a.offset, a.byteSize, a.name) <
           std::tie(b.offset, b.byteSize, b.name);
  });
  if (Error error = checkCover(file, dataStart, tensors))
    return std::move(error);
  return tensors;
}
