//===- ChatValue.h - values of chat templates and their memory ---*- C++ -*-===//
//
// A value is 16 bytes. Strings are views: of the program's constants, of the
// conversation, or of the heap. The heap is the caller's memory in three parts:
//
//   [ values, from below ][ text, from below ][ origins ]
//
// Every byte of heap text has an origin byte at the same offset, so that a string
// made of the template's and a participant's pieces still knows which is which.
// Nothing is freed but by resetting to a mark at the end of a statement.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace nibble::rt::chat {

enum class Type : uint8_t { Undefined, None, Boolean, Integer, String, List, Dict, Namespace };

struct Value;

/// Mutable: attributes can be added up to the capacity that the compiler foresaw.
struct NamespaceData {
  uint32_t count, capacity;
  Value *pairs;
};

struct Value {
  Type type = Type::Undefined;
  bool isTemplate = false; // strings outside the heap: all bytes have this origin
  uint32_t size = 0;       // bytes of a string, items of a list, pairs of a dict
  union {
    int64_t integer;
    const char *text;
    Value *items; // dict: key, value, key, value …
    NamespaceData *space;
  };

  Value() : integer(0) {}
  static Value none() { return make(Type::None, 0); }
  static Value boolean(bool value) { return make(Type::Boolean, value); }
  static Value number(int64_t value) { return make(Type::Integer, value); }
  static Value string(std::string_view text, bool isTemplate) {
    Value v;
    v.type = Type::String;
    v.isTemplate = isTemplate;
    v.size = uint32_t(text.size());
    v.text = text.data();
    return v;
  }
  static Value list(Value *items, uint32_t size, Type type = Type::List) {
    Value v;
    v.type = type;
    v.size = size;
    v.items = items;
    return v;
  }

  bool is(Type other) const { return type == other; }
  bool isNumber() const { return type == Type::Integer || type == Type::Boolean; }
  std::string_view view() const { return {text, size}; }
  /// The part [begin, begin + count) of a string; it keeps its origins.
  Value part(size_t begin, size_t count) const { return string({text + begin, count}, isTemplate); }
  bool truth() const {
    switch (type) {
    case Type::Undefined:
    case Type::None:
      return false;
    case Type::Boolean:
    case Type::Integer:
      return integer != 0;
    case Type::String:
    case Type::List:
    case Type::Dict:
      return size != 0;
    case Type::Namespace:
      return true;
    }
    return false;
  }

private:
  static Value make(Type type, int64_t integer) {
    Value v;
    v.type = type;
    v.integer = integer;
    return v;
  }
};

static_assert(sizeof(Value) == 16);

class Heap {
public:
  struct Mark {
    size_t values, text;
  };

  Heap() = default;
  /// `memory` is 8-byte aligned; `valueBytes` of it are for values.
  Heap(std::span<std::byte> memory, size_t valueBytes)
      : values(reinterpret_cast<Value *>(memory.data())), valueCapacity(valueBytes / sizeof(Value)),
        text(reinterpret_cast<char *>(memory.data()) + valueCapacity * sizeof(Value)),
        textCapacity((memory.size() - valueCapacity * sizeof(Value)) / 2),
        origins(reinterpret_cast<uint8_t *>(text) + textCapacity) {}

  Mark mark() const { return {valuesUsed, textUsed}; }
  void reset(Mark mark) {
    valuesUsed = mark.values;
    textUsed = mark.text;
  }

  /// `count` values, undefined; null if they don't fit.
  Value *allocate(size_t count) {
    if (count > valueCapacity - valuesUsed)
      return nullptr;
    Value *result = values + valuesUsed;
    for (size_t i = 0; i < count; ++i)
      result[i] = Value();
    valuesUsed += count;
    return result;
  }

  /// Strings are built at the end of the text: begin, append pieces, finish. False if it doesn't fit.
  size_t begin() const { return textUsed; }
  bool append(const Value &string) { return append(string, 0, string.size); }
  bool append(const Value &string, size_t from, size_t count) {
    if (count > textCapacity - textUsed)
      return false;
    std::memcpy(text + textUsed, string.text + from, count);
    if (const uint8_t *each = originsOf(string))
      std::memcpy(origins + textUsed, each + from, count);
    else
      std::memset(origins + textUsed, string.isTemplate, count);
    textUsed += count;
    return true;
  }
  bool append(std::string_view bytes, bool isTemplate) { return append(Value::string(bytes, isTemplate)); }
  bool append(char c, bool isTemplate) { return append(std::string_view(&c, 1), isTemplate); }
  Value finish(size_t begun) const { return Value::string({text + begun, textUsed - begun}, false); }

  /// Whether `string` is what the heap's text ends with: then more can be appended to it in place.
  bool endsWith(const Value &string) const {
    return originsOf(string) && string.text + string.size == text + textUsed;
  }

  /// The origin of each byte, or null if isTemplate tells.
  const uint8_t *originsOf(const Value &string) const {
    auto offset = reinterpret_cast<uintptr_t>(string.text) - reinterpret_cast<uintptr_t>(text);
    return string.text && offset < textCapacity ? origins + offset : nullptr;
  }
  bool originAt(const Value &string, size_t index) const {
    const uint8_t *each = originsOf(string);
    return each ? each[index] != 0 : string.isTemplate;
  }

private:
  Value *values = nullptr;
  size_t valueCapacity = 0, valuesUsed = 0;
  char *text = nullptr;
  size_t textCapacity = 0, textUsed = 0;
  uint8_t *origins = nullptr;
};

} // namespace nibble::rt::chat
