//===- GGUFParser.cpp - Parses the header of one GGUF file ----------------===//
//
// Straight-line, no recursion: an array of arrays is legal in the format but
// used by no model, so it is refused instead of followed. Each number that came
// out of the file is compared with a limit or with the bytes that remain before
// it becomes a size. See GGUF.h for the contract of the result.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUFParser.h"

#include "compiler/Import/ImportError.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>

using namespace nibble;
using llvm::Error;
using llvm::Twine;

Error GGUFParser::parse() {
  if (Error error = parseVersion())
    return error;
  if (Error error = parseCounts())
    return error;
  for (uint64_t i = 0; i < pairCount; ++i)
    if (Error error = parsePair())
      return error;
  if (Error error = parseAlignment())
    return error;
  tensors.reserve(tensorCount);
  for (uint64_t i = 0; i < tensorCount; ++i)
    if (Error error = parseTensor())
      return error;
  return placeTensors();
}

Error GGUFParser::parseVersion() {
  char magic[4];
  if (Error error = reader.readBytes(magic, sizeof magic, "magic number"))
    return error;
  if (std::memcmp(magic, "GGUF", sizeof magic) != 0)
    return reader.malformedAt(0, "magic number: expected 'GGUF', found " + quote(llvm::StringRef(magic, 4)));
  if (Error error = reader.read(version, "version"))
    return error;
  if (version == 2 || version == 3)
    return Error::success();
  if (version == 1)
    return reader.unsupportedAt(4, "version: expected 2 or 3, found 1; convert "
                                   "the file with a current tool");
  // Version 3 in the other byte order reads as 3 << 24.
  if (version == 2u << 24 || version == 3u << 24)
    return reader.unsupportedAt(4, "byte order: expected a little-endian file, found a big-endian one");
  if (version == 0)
    return reader.malformedAt(4, "version: expected 2 or 3, found 0");
  return reader.unsupportedAt(4, "version: expected 2 or 3, found " + Twine(version));
}

Error GGUFParser::parseCounts() {
  if (Error error = reader.read(tensorCount, "tensor count"))
    return error;
  if (tensorCount > GGUFLimits::tensors)
    return reader.malformedAt(8, "tensor count: expected at most " + Twine(GGUFLimits::tensors) + ", found " +
                                     Twine(tensorCount));
  if (Error error = reader.read(pairCount, "metadata count"))
    return error;
  if (pairCount > GGUFLimits::pairs)
    return reader.malformedAt(16, "metadata count: expected at most " + Twine(GGUFLimits::pairs) + ", found " +
                                      Twine(pairCount));
  // key length, one byte of key, value type, one byte of value
  constexpr uint64_t smallestPair = 8 + 1 + 4 + 1;
  if (Error error = reader.require(pairCount, smallestPair, "metadata count"))
    return error;
  // name length, one byte of name, n_dims, one dimension, type, offset
  constexpr uint64_t smallestTensor = 8 + 1 + 4 + 8 + 4 + 8;
  return reader.require(tensorCount, smallestTensor, "tensor count");
}

Error GGUFParser::parseString(std::string &text, uint64_t limit, const llvm::Twine &what) {
  uint64_t start = reader.getPosition();
  uint64_t length = 0;
  if (Error error = reader.read(length, what + ": length"))
    return error;
  if (length > limit)
    return reader.malformedAt(start,
                              what + ": expected a length of at most " + Twine(limit) + ", found " + Twine(length));
  if (Error error = reader.require(length, 1, what + ": length"))
    return error;
  text.resize(length);
  return reader.readBytes(text.data(), length, what);
}

Error GGUFParser::parseValueType(GGUFValueType &type, const llvm::Twine &what) {
  uint64_t start = reader.getPosition();
  uint32_t id = 0;
  if (Error error = reader.read(id, what + ": value type"))
    return error;
  if (id > static_cast<uint32_t>(GGUFValueType::Float64))
    return reader.malformedAt(start, what + ": expected a value type from 0 to 12, found " + Twine(id));
  type = static_cast<GGUFValueType>(id);
  return Error::success();
}

Error GGUFParser::parsePair() {
  uint64_t start = reader.getPosition();
  std::string key;
  if (Error error = parseString(key, GGUFLimits::keyBytes, "key " + std::to_string(keys.size())))
    return error;
  if (key.empty())
    return reader.malformedAt(start, "key " + Twine(keys.size()) + ": expected a name, found none");
  if (key.find('\0') != std::string::npos)
    return reader.malformedAt(start, "key " + quote(key) + ": expected text, found a NUL byte");
  auto [entry, inserted] = values.try_emplace(key);
  if (!inserted)
    return reader.malformedAt(start, "key " + quote(key) + ": expected each key once, found it again (first at byte " +
                                         Twine(entry->second.offset) + ")");
  GGUFValue &value = entry->second;
  value.offset = start;
  std::string what = "key " + quote(key);
  keys.push_back(std::move(key));
  if (Error error = parseValue(value, what))
    return error;
  if (reader.getPosition() > GGUFLimits::metadataBytes)
    return reader.malformedAt(start,
                              "metadata: expected at most " + Twine(GGUFLimits::metadataBytes) + " bytes, found more");
  return Error::success();
}

Error GGUFParser::parseValue(GGUFValue &value, const llvm::Twine &what) {
  if (Error error = parseValueType(value.type, what))
    return error;
  if (value.type == GGUFValueType::Array)
    return parseArray(value, what);
  if (value.type == GGUFValueType::String)
    return parseString(value.text, GGUFLimits::stringBytes, what);
  return parseScalar(value.type, value.bits, value.real, what);
}

Error GGUFParser::parseScalar(GGUFValueType type, uint64_t &bits, double &real, const llvm::Twine &what) {
  uint64_t start = reader.getPosition();
  // Reads a T and widens it; a signed T is sign-extended by the conversion.
  auto readInto = [&](auto number, auto &out) -> Error {
    if (Error error = reader.read(number, what))
      return error;
    out = static_cast<std::remove_reference_t<decltype(out)>>(number);
    return Error::success();
  };
  switch (type) {
  case GGUFValueType::UInt8:
    return readInto(uint8_t(), bits);
  case GGUFValueType::Int8:
    return readInto(int8_t(), bits);
  case GGUFValueType::UInt16:
    return readInto(uint16_t(), bits);
  case GGUFValueType::Int16:
    return readInto(int16_t(), bits);
  case GGUFValueType::UInt32:
    return readInto(uint32_t(), bits);
  case GGUFValueType::Int32:
    return readInto(int32_t(), bits);
  case GGUFValueType::UInt64:
    return readInto(uint64_t(), bits);
  case GGUFValueType::Int64:
    return readInto(int64_t(), bits);
  case GGUFValueType::Float32:
    return readInto(float(), real);
  case GGUFValueType::Float64:
    return readInto(double(), real);
  case GGUFValueType::Bool:
    if (Error error = readInto(uint8_t(), bits))
      return error;
    if (bits > 1)
      return reader.malformedAt(start, what + ": expected a bool of 0 or 1, found " + Twine(bits));
    return Error::success();
  case GGUFValueType::String:
  case GGUFValueType::Array:
    break;
  }
  return reader.malformedAt(start, what + ": expected a scalar, found " + getName(type));
}

/// The least number of bytes that one array element takes in the file.
static uint64_t getSmallestSize(GGUFValueType type) {
  switch (type) {
  case GGUFValueType::UInt8:
  case GGUFValueType::Int8:
  case GGUFValueType::Bool:
    return 1;
  case GGUFValueType::UInt16:
  case GGUFValueType::Int16:
    return 2;
  case GGUFValueType::UInt32:
  case GGUFValueType::Int32:
  case GGUFValueType::Float32:
    return 4;
  case GGUFValueType::UInt64:
  case GGUFValueType::Int64:
  case GGUFValueType::Float64:
  case GGUFValueType::String: // its length
  case GGUFValueType::Array:
    return 8;
  }
  return 1;
}

Error GGUFParser::parseArray(GGUFValue &value, const llvm::Twine &what) {
  uint64_t start = reader.getPosition();
  if (Error error = parseValueType(value.elementType, what))
    return error;
  if (value.elementType == GGUFValueType::Array)
    return reader.unsupportedAt(start, what + ": expected an array of scalars or strings, found an "
                                              "array of arrays");
  uint64_t count = 0;
  if (Error error = reader.read(count, what + ": array length"))
    return error;
  if (count > GGUFLimits::arrayElements)
    return reader.malformedAt(start, what + ": expected an array of at most " + Twine(GGUFLimits::arrayElements) +
                                         " elements, found " + Twine(count));
  if (Error error = reader.require(count, getSmallestSize(value.elementType), what))
    return error;

  if (value.elementType == GGUFValueType::String) {
    std::string text;
    for (uint64_t i = 0; i < count; ++i) {
      if (Error error = parseString(text, GGUFLimits::stringBytes, what))
        return error;
      value.strings.push_back(text);
    }
    return Error::success();
  }
  bool isFloat = value.elementType == GGUFValueType::Float32 || value.elementType == GGUFValueType::Float64;
  if (isFloat)
    value.reals.reserve(count);
  else
    value.numbers.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    double real = 0;
    if (Error error = parseScalar(value.elementType, bits, real, what))
      return error;
    if (isFloat)
      value.reals.push_back(real);
    else
      value.numbers.push_back(bits);
  }
  return Error::success();
}

Error GGUFParser::parseAlignment() {
  auto entry = values.find("general.alignment");
  if (entry == values.end())
    return Error::success();
  const GGUFValue &value = entry->second;
  alignmentOffset = value.offset;
  if (value.type != GGUFValueType::UInt32)
    return reader.malformedAt(value.offset, "key 'general.alignment': expected a u32, found " + value.describeType());
  // The specification asks for a multiple of 8; ggml for a power of two.
  if (value.bits < 8 || value.bits > GGUFLimits::alignment || !llvm::isPowerOf2_64(value.bits))
    return reader.malformedAt(value.offset, "key 'general.alignment': expected a power of two from 8 to " +
                                                Twine(GGUFLimits::alignment) + ", found " + Twine(value.bits));
  alignment = value.bits;
  return Error::success();
}
