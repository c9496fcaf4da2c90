//===- ChatOperators.cpp - operators and access in chat templates ----------===//
//
// Python's meaning of + ~ % == < in, of x.y, x[i] and x[a:b:c], for the values that
// templates have. See ChatMachine.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/ChatMachine.h"
#include "runtime/text/UTF8.h"

namespace nibble::rt::chat {

/// Values inside each other deeper than this differ; templates build them one or two deep.
static constexpr unsigned MaxDepth = 8;

Value Machine::constant(uint32_t index) const {
  uint32_t begin = table.string_offsets()->Get(index), end = table.string_offsets()->Get(index + 1);
  return Value::string({reinterpret_cast<const char *>(table.string_bytes()->data()) + begin, end - begin}, true);
}

Value Machine::global(Global which) const {
  switch (which) {
  case Global::Messages:
    return messages;
  case Global::AddGenerationPrompt:
    return Value::boolean(options.addGenerationPrompt);
  case Global::EnableThinking:
    if (options.thinking == ChatOptions::Thinking::Unset)
      return Value();
    return Value::boolean(options.thinking == ChatOptions::Thinking::On);
  }
  return Value();
}

const Value *Machine::find(const Value &object, std::string_view key) {
  const Value *pairs = object.is(Type::Namespace) ? object.space->pairs : object.items;
  uint32_t count = object.is(Type::Namespace) ? object.space->count : object.size;
  for (uint32_t i = 0; i < count; ++i)
    if (pairs[2 * i].is(Type::String) && pairs[2 * i].view() == key)
      return &pairs[2 * i + 1];
  return nullptr;
}

TextError Machine::attribute(const Value &object, std::string_view name, Value &result) {
  result = Value();
  if (object.is(Type::Undefined))
    return TextError::TemplateUndefined;
  if (object.is(Type::Dict) || object.is(Type::Namespace))
    if (const Value *found = find(object, name))
      result = *found;
  return TextError::None;
}

TextError Machine::item(const Value &object, const Value &index, Value &result) {
  if (index.is(Type::String))
    return attribute(object, index.view(), result);
  result = Value();
  if (object.is(Type::Undefined))
    return TextError::TemplateUndefined;
  if (!index.isNumber())
    return TextError::None;
  bool isText = object.is(Type::String);
  if (!isText && !object.is(Type::List))
    return TextError::None;
  int64_t length = isText ? lengthOf(object.view()) : object.size;
  int64_t at = index.integer < 0 ? index.integer + length : index.integer;
  if (at < 0 || at >= length)
    return TextError::None;
  if (isText)
    return sliceText(object, at, 1, 1, result);
  result = object.items[at];
  return TextError::None;
}

/// x[start:stop:step] with arguments x start stop step; none or undefined where left out.
TextError Machine::slice(const Value *arguments, Value &result) {
  const Value &object = arguments[0];
  if (object.is(Type::Undefined))
    return TextError::TemplateUndefined;
  if (!object.is(Type::String) && !object.is(Type::List))
    return TextError::TemplateType;
  for (int i = 1; i <= 3; ++i)
    if (!arguments[i].isNumber() && !arguments[i].is(Type::None))
      return TextError::TemplateType;
  int64_t length = object.is(Type::String) ? lengthOf(object.view()) : object.size;
  int64_t step = arguments[3].is(Type::None) ? 1 : arguments[3].integer;
  if (step == 0)
    return TextError::TemplateType;
  // Python's slice.indices.
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? length : length - 1;
  auto bound = [&](const Value &given, int64_t absent) {
    if (given.is(Type::None))
      return absent;
    int64_t value = given.integer < 0 ? given.integer + length : given.integer;
    return value < low ? low : value > high ? high : value;
  };
  int64_t start = bound(arguments[1], step > 0 ? low : high);
  int64_t stop = bound(arguments[2], step > 0 ? high : low);
  int64_t distance = step > 0 ? stop - start : start - stop;
  int64_t stride = step > 0 ? step : -(step + 1) + 1; // without overflow for the smallest step's successor
  auto count = uint32_t(distance <= 0 ? 0 : (distance - 1) / stride + 1);
  return object.is(Type::String) ? sliceText(object, start, step, count, result)
                                 : sliceList(object, start, step, count, result);
}

TextError Machine::sliceList(const Value &object, int64_t start, int64_t step, uint32_t count, Value &result) {
  if (step == 1) {
    result = Value::list(object.items + start, count);
    return TextError::None;
  }
  Value *items = heap.allocate(count);
  if (!items)
    return TextError::WorkspaceTooSmall;
  for (uint32_t i = 0; i < count; ++i)
    items[i] = object.items[start + int64_t(i) * step];
  result = Value::list(items, count);
  return TextError::None;
}

/// Offset of the `index`-th character of `text`.
static size_t offsetOf(std::string_view text, int64_t index) {
  size_t offset = 0;
  for (; index > 0 && offset < text.size(); --index)
    offset += decodeCharacter(text.data() + offset, text.size() - offset).length;
  return offset;
}

TextError Machine::sliceText(const Value &object, int64_t start, int64_t step, uint32_t count, Value &result) {
  std::string_view text = object.view();
  if (step == 1 || count <= 1) {
    size_t begin = offsetOf(text, start);
    result = object.part(begin, count == 0 ? 0 : offsetOf(text.substr(begin), count));
    return TextError::None;
  }
  size_t begun = heap.begin();
  for (uint32_t i = 0; i < count; ++i) {
    size_t begin = offsetOf(text, start + int64_t(i) * step);
    if (!heap.append(object, begin, offsetOf(text.substr(begin), 1)))
      return TextError::WorkspaceTooSmall;
  }
  result = heap.finish(begun);
  return TextError::None;
}

bool Machine::equal(const Value &x, const Value &y, unsigned depth) {
  if (x.isNumber() && y.isNumber())
    return x.integer == y.integer;
  if (x.type != y.type || depth > MaxDepth)
    return false;
  switch (x.type) {
  case Type::String:
    return x.view() == y.view();
  case Type::List:
  case Type::Dict: {
    if (x.size != y.size)
      return false;
    uint32_t count = x.is(Type::Dict) ? 2 * x.size : x.size;
    for (uint32_t i = 0; i < count; ++i)
      if (!equal(x.items[i], y.items[i], depth + 1))
        return false;
    return true;
  }
  case Type::Namespace:
    return x.space == y.space;
  default:
    return true;
  }
}

TextError Machine::contains(const Value &container, const Value &value, bool &result) {
  result = false;
  switch (container.type) {
  case Type::Undefined:
    return TextError::None;
  case Type::String:
    if (!value.is(Type::String))
      return value.is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
    result = container.view().find(value.view()) != std::string_view::npos;
    return TextError::None;
  case Type::List:
    for (uint32_t i = 0; i < container.size && !result; ++i)
      result = equal(container.items[i], value);
    return TextError::None;
  case Type::Dict:
    result = value.is(Type::String) && find(container, value.view());
    return TextError::None;
  default:
    return TextError::TemplateType;
  }
}

TextError Machine::concatenate(const Value &x, const Value &y, Value &result) {
  size_t begun = heap.begin();
  if (heap.endsWith(x))
    begun -= x.size; // x is what the heap ends with: y goes right behind it
  else if (!heap.append(x))
    return TextError::WorkspaceTooSmall;
  if (!heap.append(y))
    return TextError::WorkspaceTooSmall;
  result = heap.finish(begun);
  return TextError::None;
}

static int64_t floorDivide(int64_t x, int64_t y) { return x / y - (x % y != 0 && (x < 0) != (y < 0)); }

TextError Machine::arithmetic(Operator op, const Value &x, const Value &y, Value &result) {
  if (x.is(Type::Undefined) || y.is(Type::Undefined))
    return TextError::TemplateUndefined;
  if (op == Operator::Add && x.is(Type::String) && y.is(Type::String))
    return concatenate(x, y, result);
  if (op == Operator::Add && x.is(Type::List) && y.is(Type::List)) {
    Value *items = heap.allocate(size_t(x.size) + y.size);
    if (!items)
      return TextError::WorkspaceTooSmall;
    std::memcpy(static_cast<void *>(items), x.items, x.size * sizeof(Value));
    std::memcpy(static_cast<void *>(items + x.size), y.items, y.size * sizeof(Value));
    result = Value::list(items, x.size + y.size);
    return TextError::None;
  }
  if (op == Operator::Multiply && (x.is(Type::String) || y.is(Type::String))) {
    const Value &text = x.is(Type::String) ? x : y, &times = x.is(Type::String) ? y : x;
    if (!times.isNumber())
      return TextError::TemplateType;
    size_t begun = heap.begin();
    for (int64_t i = 0; i < times.integer && text.size > 0; ++i)
      if (!heap.append(text))
        return TextError::WorkspaceTooSmall;
    result = heap.finish(begun);
    return TextError::None;
  }
  if (!x.isNumber() || !y.isNumber())
    return TextError::TemplateType;
  int64_t value = 0;
  bool overflow = false;
  if (op == Operator::Add)
    overflow = __builtin_add_overflow(x.integer, y.integer, &value);
  else if (op == Operator::Subtract)
    overflow = __builtin_sub_overflow(x.integer, y.integer, &value);
  else if (op == Operator::Multiply)
    overflow = __builtin_mul_overflow(x.integer, y.integer, &value);
  else if (y.integer == 0 || (y.integer == -1 && x.integer == INT64_MIN))
    overflow = true;
  else
    value = op == Operator::FloorDivide ? floorDivide(x.integer, y.integer)
                                        : x.integer - floorDivide(x.integer, y.integer) * y.integer;
  result = Value::number(value);
  return overflow ? TextError::TemplateType : TextError::None;
}

TextError Machine::binary(Operator op, const Value &x, const Value &y, Value &result) {
  switch (op) {
  case Operator::Concatenate: {
    Value left, right;
    if (TextError error = toText(x, left); error != TextError::None)
      return error;
    if (TextError error = toText(y, right); error != TextError::None)
      return error;
    return concatenate(left, right, result);
  }
  case Operator::Equal:
  case Operator::NotEqual:
    result = Value::boolean(equal(x, y) == (op == Operator::Equal));
    return TextError::None;
  case Operator::Less:
  case Operator::LessEqual:
  case Operator::Greater:
  case Operator::GreaterEqual: {
    int order;
    if (x.isNumber() && y.isNumber())
      order = x.integer < y.integer ? -1 : x.integer > y.integer;
    else if (x.is(Type::String) && y.is(Type::String))
      order = x.view().compare(y.view());
    else
      return x.is(Type::Undefined) || y.is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
    bool answer = op == Operator::Less        ? order < 0
                  : op == Operator::LessEqual ? order <= 0
                  : op == Operator::Greater   ? order > 0
                                              : order >= 0;
    result = Value::boolean(answer);
    return TextError::None;
  }
  case Operator::In:
  case Operator::NotIn: {
    bool found = false;
    TextError error = contains(y, x, found);
    result = Value::boolean(found == (op == Operator::In));
    return error;
  }
  default:
    return arithmetic(op, x, y, result);
  }
}

/// Python's str(): what {{ x }} writes. Lists and dicts have no text here; tojson gives one.
TextError Machine::toText(const Value &value, Value &result) {
  switch (value.type) {
  case Type::Undefined:
    result = Value::string("", true);
    return TextError::None;
  case Type::None:
    result = Value::string("None", true);
    return TextError::None;
  case Type::Boolean:
    result = Value::string(value.integer ? "True" : "False", true);
    return TextError::None;
  case Type::Integer: {
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = value.integer < 0 ? 0 - uint64_t(value.integer) : uint64_t(value.integer);
    do
      digits[--at] = char('0' + rest % 10);
    while (rest /= 10);
    if (value.integer < 0)
      digits[--at] = '-';
    size_t begun = heap.begin();
    if (!heap.append(std::string_view(digits + at, sizeof(digits) - at), true))
      return TextError::WorkspaceTooSmall;
    result = heap.finish(begun);
    return TextError::None;
  }
  case Type::String:
    result = value;
    return TextError::None;
  default:
    return TextError::TemplateType;
  }
}

/// What a for-statement goes through: the items of a list, the keys of a dict, nothing of an undefined value.
TextError Machine::toList(const Value &value, Value &result) {
  switch (value.type) {
  case Type::List:
    result = value;
    return TextError::None;
  case Type::Undefined:
    result = Value::list(nullptr, 0);
    return TextError::None;
  case Type::Dict:
    return dictMethod(Method::Keys, &value, 0, result);
  case Type::String: {
    std::string_view text = value.view();
    uint32_t count = lengthOf(text);
    Value *items = heap.allocate(count);
    if (!items)
      return TextError::WorkspaceTooSmall;
    size_t offset = 0;
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t length = decodeCharacter(text.data() + offset, text.size() - offset).length;
      items[i] = value.part(offset, length);
      offset += length;
    }
    result = Value::list(items, count);
    return TextError::None;
  }
  default:
    return TextError::TemplateType;
  }
}

} // namespace nibble::rt::chat
