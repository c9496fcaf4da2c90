//===- JSONFile.cpp - JSON from strangers ---------------------------------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/JSONFile.h"

#include "compiler/Import/ImportError.h"

#include "llvm/Support/Path.h"

#include <cmath>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

/// Where brackets nest deeper than the limit, or none. LLVM's parser recurses
/// once a bracket; brackets inside strings don't count.
static std::optional<size_t> findTooDeep(StringRef text) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
      continue;
    }
    if (c == '"')
      inString = true;
    else if (c == '{' || c == '[') {
      if (++depth > JSONLimits::depth)
        return i;
    } else if ((c == '}' || c == ']') && depth > 0)
      --depth;
  }
  return std::nullopt;
}

/// The code unit of "\uXXXX" at `place`, or none.
static std::optional<uint32_t> getEscaped(StringRef text, size_t place) {
  StringRef escape = text.substr(place, 6);
  uint32_t unit;
  if (escape.size() != 6 || !escape.consume_front("\\u") ||
      escape.getAsInteger(16, unit))
    return std::nullopt;
  return unit;
}

/// Writes escaped surrogate pairs out: LLVM 22's parser joins the two with an
/// `or`, which is wrong from U+20000 on.
static std::string joinSurrogates(std::string text) {
  size_t to = 0;
  for (size_t from = 0; from < text.size();) {
    if (text[from] != '\\') {
      text[to++] = text[from++];
      continue;
    }
    auto high = getEscaped(text, from), low = getEscaped(text, from + 6);
    bool isPair = high && low && *high >> 10 == 0xD800 >> 10 &&
                  *low >> 10 == 0xDC00 >> 10;
    if (!isPair) { // the escape, or its first two characters
      text[to++] = text[from++];
      if (from < text.size())
        text[to++] = text[from++];
      continue;
    }
    uint32_t code = 0x10000 + ((*high & 0x3FF) << 10) + (*low & 0x3FF);
    for (uint32_t lead : {0xF0 | code >> 18, 0x80 | (code >> 12 & 0x3F),
                          0x80 | (code >> 6 & 0x3F), 0x80 | (code & 0x3F)})
      text[to++] = static_cast<char>(lead);
    from += 12;
  }
  text.resize(to);
  return text;
}

Expected<llvm::json::Value>
nibble::parseJSON(const InputFile &file, uint64_t offset, uint64_t size) {
  if (size > JSONLimits::bytes)
    return malformed(file.at(offset, "JSON: expected at most " +
                                         Twine(JSONLimits::bytes) +
                                         " bytes, found " + Twine(size)));
  std::string text(size, '\0');
  llvm::MutableArrayRef<uint8_t> bytes(
      reinterpret_cast<uint8_t *>(text.data()), text.size());
  if (Error error = file.readAt(offset, bytes))
    return std::move(error);
  if (auto place = findTooDeep(text))
    return malformed(file.at(offset + *place,
                             "JSON: expected brackets nested at most " +
                                 Twine(JSONLimits::depth) + " deep"));
  auto value = llvm::json::parse(joinSurrogates(std::move(text)));
  if (!value) {
    std::string message;
    llvm::handleAllErrors(value.takeError(),
                          [&](const llvm::ErrorInfoBase &info) {
                            message = info.message();
                          });
    return malformed(file.at(offset, "JSON: " + message));
  }
  return std::move(*value);
}

Expected<llvm::json::Object>
nibble::parseJSONObject(const InputFile &file, uint64_t offset, uint64_t size) {
  auto value = parseJSON(file, offset, size);
  if (!value)
    return value.takeError();
  if (llvm::json::Object *object = value->getAsObject())
    return std::move(*object);
  return malformed(file.at(offset, "JSON: expected an object, found " +
                                       describeKind(*value)));
}

Expected<llvm::json::Object> nibble::parseJSONObject(const InputFile &file) {
  return parseJSONObject(file, 0, file.getSize());
}

StringRef nibble::describeKind(const llvm::json::Value &value) {
  switch (value.kind()) {
  case llvm::json::Value::Null:
    return "null";
  case llvm::json::Value::Boolean:
    return "a boolean";
  case llvm::json::Value::Number:
    return "a number";
  case llvm::json::Value::String:
    return "a string";
  case llvm::json::Value::Array:
    return "an array";
  case llvm::json::Value::Object:
    return "an object";
  }
  return "a value";
}

//===----------------------------------------------------------------------===//
// Look-up
//===----------------------------------------------------------------------===//

std::string JSONView::describe(StringRef key) const {
  return (llvm::sys::path::filename(file) + ": " + quote(path + key.str()))
      .str();
}

Error JSONView::malformedKey(StringRef key, const Twine &message) const {
  return malformed(file + ": " + quote(path + key.str()) + ": " + message);
}

Error JSONView::unsupportedKey(StringRef key, const Twine &message) const {
  return unsupported(file + ": " + quote(path + key.str()) + ": " + message);
}

Error JSONView::wrongType(StringRef key, StringRef expected) const {
  return malformedKey(key, "expected " + expected + ", found " +
                               describeKind(*find(key)));
}

const llvm::json::Value *JSONView::find(StringRef key) const {
  const llvm::json::Value *value = object->get(key);
  return value && value->kind() == llvm::json::Value::Null ? nullptr : value;
}

Expected<std::optional<uint64_t>>
JSONView::findUInt(StringRef key, uint64_t minimum, uint64_t maximum) const {
  const llvm::json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  auto number = value->getAsInteger();
  if (!number || *number < 0 || static_cast<uint64_t>(*number) < minimum ||
      static_cast<uint64_t>(*number) > maximum)
    return malformedKey(key, "expected an integer from " + Twine(minimum) +
                                 " to " + Twine(maximum) + ", found " +
                                 (number ? Twine(*number).str()
                                         : describeKind(*value).str()));
  return static_cast<uint64_t>(*number);
}

Expected<std::optional<double>> JSONView::findNumber(StringRef key) const {
  const llvm::json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  auto number = value->getAsNumber();
  if (!number || !std::isfinite(*number))
    return wrongType(key, "a number");
  return *number;
}

Expected<std::optional<bool>> JSONView::findBool(StringRef key) const {
  const llvm::json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  auto truth = value->getAsBoolean();
  if (!truth)
    return wrongType(key, "a boolean");
  return *truth;
}

Expected<std::optional<StringRef>> JSONView::findString(StringRef key) const {
  const llvm::json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  auto text = value->getAsString();
  if (!text)
    return wrongType(key, "a string");
  return *text;
}

Expected<std::optional<JSONView>> JSONView::findObject(StringRef key) const {
  const llvm::json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  const llvm::json::Object *nested = value->getAsObject();
  if (!nested)
    return wrongType(key, "an object");
  return JSONView(file, *nested, path + key.str() + ".");
}

Expected<const llvm::json::Array *> JSONView::findArray(StringRef key) const {
  const llvm::json::Value *value = find(key);
  if (!value)
    return nullptr;
  const llvm::json::Array *array = value->getAsArray();
  if (!array)
    return wrongType(key, "an array");
  return array;
}
