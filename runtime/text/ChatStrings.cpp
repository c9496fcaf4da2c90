//===- ChatStrings.cpp - strings in chat templates -------------------------===//
//
// Python's str methods and json.dumps, keeping the origin of every byte. White
// space is Unicode's, as in Python; upper and lower know ASCII alone (templates use
// them on roles and dates) and refuse other text. See ChatMachine.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/ChatMachine.h"
#include "runtime/text/UTF8.h"

namespace nibble::rt::chat {

uint32_t Machine::lengthOf(std::string_view text) {
  uint32_t count = 0;
  for (size_t offset = 0; offset < text.size(); ++count)
    offset += decodeCharacter(text.data() + offset, text.size() - offset).length;
  return count;
}

/// str.isspace of Python: White_Space and the four separators 1C … 1F.
static bool isSpace(uint32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

/// The last character of a text that isn't empty.
static Character lastCharacter(std::string_view text) {
  for (size_t length = text.size() < 4 ? text.size() : 4; length > 1; --length) {
    Character c = decodeCharacter(text.data() + text.size() - length, length);
    if (c.length == length)
      return c;
  }
  return decodeCharacter(text.data() + text.size() - 1, 1);
}

TextError Machine::strip(const Value &text, const Value *characters, bool left, bool right, Value &result) {
  if (characters && (characters->is(Type::None) || characters->is(Type::Undefined)))
    characters = nullptr;
  if (!text.is(Type::String) || (characters && !characters->is(Type::String)))
    return text.is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
  std::string_view rest = text.view();
  auto goes = [&](Character c, std::string_view bytes) {
    return characters ? characters->view().find(bytes) != std::string_view::npos : isSpace(c.code);
  };
  size_t begin = 0;
  while (left && !rest.empty()) {
    Character c = decodeCharacter(rest.data(), rest.size());
    if (!goes(c, rest.substr(0, c.length)))
      break;
    begin += c.length;
    rest.remove_prefix(c.length);
  }
  while (right && !rest.empty()) {
    Character c = lastCharacter(rest);
    if (!goes(c, rest.substr(rest.size() - c.length)))
      break;
    rest.remove_suffix(c.length);
  }
  result = text.part(begin, rest.size());
  return TextError::None;
}

/// str.split: without a separator at runs of white space, which never give empty strings.
TextError Machine::split(const Value &text, const Value *separator, int64_t limit, Value &result) {
  bool atSpaces = !separator || separator->is(Type::None);
  if (!text.is(Type::String) || (!atSpaces && (!separator->is(Type::String) || separator->size == 0)))
    return TextError::TemplateType;
  std::string_view all = text.view();
  // Two passes: count, then fill.
  Value *items = nullptr;
  for (int pass = 0; pass < 2; ++pass) {
    uint32_t count = 0;
    auto add = [&](size_t begin, size_t end) {
      if (pass)
        items[count] = text.part(begin, end - begin);
      ++count;
    };
    size_t begin = 0;
    if (!atSpaces) {
      for (size_t at;
           (limit < 0 || count < limit) && (at = all.find(separator->view(), begin)) != std::string_view::npos;
           begin = at + separator->size)
        add(begin, at);
      add(begin, all.size());
    } else {
      auto spaceAt = [&](size_t i) { return decodeCharacter(all.data() + i, all.size() - i); };
      for (;;) {
        while (begin < all.size() && isSpace(spaceAt(begin).code))
          begin += spaceAt(begin).length;
        if (begin == all.size())
          break;
        size_t end = begin;
        if (limit >= 0 && count >= limit)
          end = all.size();
        while (end < all.size() && !isSpace(spaceAt(end).code))
          end += spaceAt(end).length;
        add(begin, end);
        begin = end;
      }
    }
    if (pass == 0 && !(items = heap.allocate(count)) && count > 0)
      return TextError::WorkspaceTooSmall;
    result = Value::list(items, count);
  }
  return TextError::None;
}

TextError Machine::replace(const Value &text, const Value &from, const Value &to, Value &result) {
  if (!text.is(Type::String) || !from.is(Type::String) || !to.is(Type::String) || from.size == 0)
    return text.is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
  result = text;
  if (text.view().find(from.view()) == std::string_view::npos)
    return TextError::None;
  size_t begun = heap.begin(), begin = 0;
  for (size_t at; (at = text.view().find(from.view(), begin)) != std::string_view::npos; begin = at + from.size)
    if (!heap.append(text, begin, at - begin) || !heap.append(to))
      return TextError::WorkspaceTooSmall;
  if (!heap.append(text, begin, text.size - begin))
    return TextError::WorkspaceTooSmall;
  result = heap.finish(begun);
  return TextError::None;
}

TextError Machine::changeCase(Method which, const Value &text, Value &result) {
  if (!text.is(Type::String))
    return text.is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
  size_t begun = heap.begin();
  bool wordBegins = true;
  for (size_t i = 0; i < text.size; ++i) {
    char c = text.text[i];
    if (uint8_t(c) >= 0x80)
      return TextError::TemplateCase;
    bool isUpper = c >= 'A' && c <= 'Z', isLower = c >= 'a' && c <= 'z';
    bool toUpper = which == Method::Upper || (which != Method::Lower && wordBegins);
    if (toUpper && isLower)
      c = char(c - 32);
    else if (!toUpper && isUpper)
      c = char(c + 32);
    wordBegins = which == Method::Title && !isUpper && !isLower;
    if (!heap.append(c, heap.originAt(text, i)))
      return TextError::WorkspaceTooSmall;
  }
  result = heap.finish(begun);
  return TextError::None;
}

TextError Machine::join(const Value &list, const Value &separator, Value &result) {
  Value items;
  if (TextError error = toList(list, items); error != TextError::None)
    return error;
  // Numbers become text before the result begins, as text is built at the end of the heap.
  Value *parts = heap.allocate(items.size);
  if (!parts && items.size > 0)
    return TextError::WorkspaceTooSmall;
  for (uint32_t i = 0; i < items.size; ++i)
    if (TextError error = toText(items.items[i], parts[i]); error != TextError::None)
      return error;
  size_t begun = heap.begin();
  for (uint32_t i = 0; i < items.size; ++i)
    if ((i > 0 && !heap.append(separator)) || !heap.append(parts[i]))
      return TextError::WorkspaceTooSmall;
  result = heap.finish(begun);
  return TextError::None;
}

/// jinja2's indent: `width` spaces before every line but the first and the empty ones.
TextError Machine::indent(const Value &text, int64_t width, bool first, Value &result) {
  if (!text.is(Type::String) || width < 0)
    return TextError::TemplateType;
  size_t begun = heap.begin();
  for (size_t begin = 0; begin <= text.size;) {
    size_t end = text.view().find('\n', begin);
    bool last = end == std::string_view::npos;
    if (last)
      end = text.size;
    bool indented = begin == 0 ? first : end > begin;
    for (int64_t i = 0; indented && i < width; ++i)
      if (!heap.append(' ', true))
        return TextError::WorkspaceTooSmall;
    if (!heap.append(text, begin, end - begin + (last ? 0 : 1)))
      return TextError::WorkspaceTooSmall;
    if (last)
      break;
    begin = end + 1;
  }
  result = heap.finish(begun);
  return TextError::None;
}

/// json.dumps(…, ensure_ascii=False, indent=…) of Python; indent < 0: on one line.
TextError Machine::toJson(const Value &value, int64_t indent, Value &result) {
  size_t begun = heap.begin();
  if (TextError error = writeJson(value, indent, 0); error != TextError::None)
    return error;
  result = heap.finish(begun);
  return TextError::None;
}

TextError Machine::writeJsonBreak(int64_t indent, unsigned depth) {
  if (indent < 0)
    return TextError::None;
  bool fits = heap.append('\n', true);
  for (int64_t i = 0; fits && i < indent * depth; ++i)
    fits = heap.append(' ', true);
  return fits ? TextError::None : TextError::WorkspaceTooSmall;
}

TextError Machine::writeJson(const Value &value, int64_t indent, unsigned depth) {
  auto write = [&](std::string_view text) {
    return heap.append(text, true) ? TextError::None : TextError::WorkspaceTooSmall;
  };
  switch (value.type) {
  case Type::None:
    return write("null");
  case Type::Boolean:
    return write(value.integer ? "true" : "false");
  case Type::Integer: {
    Value text; // toText leaves the digits where the JSON text goes on
    return toText(value, text);
  }
  case Type::String:
    return writeJsonString(value);
  case Type::List:
  case Type::Dict:
    break;
  default:
    return TextError::TemplateType;
  }
  // Values inside each other are as deep as the template's text is; the limit bounds the stack.
  if (depth > 32)
    return TextError::TooManySteps;
  bool isDict = value.is(Type::Dict);
  TextError error = write(isDict ? "{" : "[");
  for (uint32_t i = 0; i < value.size && error == TextError::None; ++i) {
    if (i > 0)
      error = write(indent < 0 ? ", " : ",");
    if (error == TextError::None)
      error = writeJsonBreak(indent, depth + 1);
    if (isDict && error == TextError::None)
      error = value.items[2 * i].is(Type::String) ? writeJsonString(value.items[2 * i]) : TextError::TemplateType;
    if (isDict && error == TextError::None)
      error = write(": ");
    if (error == TextError::None)
      error = writeJson(value.items[isDict ? 2 * i + 1 : i], indent, depth + 1);
  }
  if (value.size > 0 && error == TextError::None)
    error = writeJsonBreak(indent, depth);
  return error == TextError::None ? write(isDict ? "}" : "]") : error;
}

TextError Machine::writeJsonString(const Value &text) {
  bool fits = heap.append('"', true);
  for (size_t i = 0; i < text.size && fits; ++i) {
    auto c = uint8_t(text.text[i]);
    const char *names = "\"\\\n\r\t\b\f";
    const char *spelling = "\"\\nrtbf";
    const char *at = c ? std::strchr(names, c) : nullptr;
    if (at) {
      char escape[2] = {'\\', spelling[at - names]};
      fits = heap.append(std::string_view(escape, 2), heap.originAt(text, i));
    } else if (c < 0x20) {
      char escape[6] = {'\\', 'u', '0', '0', "01"[c >> 4], "0123456789abcdef"[c & 15]};
      fits = heap.append(std::string_view(escape, 6), heap.originAt(text, i));
    } else {
      fits = heap.append(char(c), heap.originAt(text, i));
    }
  }
  return fits && heap.append('"', true) ? TextError::None : TextError::WorkspaceTooSmall;
}

} // namespace nibble::rt::chat
