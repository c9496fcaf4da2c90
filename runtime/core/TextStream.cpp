//===- TextStream.cpp - from token texts to what the user sees -----------===//
//
// See TextStream.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/TextStream.h"

#include "runtime/text/UTF8.h"

#include <algorithm>
#include <cstring>

namespace nibble::rt {

void TextStream::initialize(std::span<char> newPending, std::span<const std::string_view> newStops, Sink newSink,
                            void *newContext) {
  pending = newPending;
  stops = newStops;
  sink = newSink;
  context = newContext;
  held = 0;
}

/// Length of a last character of which bytes are still to come, 0 if the text ends with a whole one.
static size_t incompleteTail(std::string_view text) {
  for (size_t length = 1; length <= 3 && length <= text.size(); ++length) {
    auto lead = static_cast<uint8_t>(text[text.size() - length]);
    if ((lead & 0xC0) == 0x80)
      continue;
    if (sequenceLength(lead) <= length)
      return 0;
    bool fits = length == 1 || secondByteFits(lead, static_cast<uint8_t>(text[text.size() - length + 1]));
    return fits ? length : 0;
  }
  return 0;
}

/// Bytes at the end of the pending text that may become part of a stop string or of a character.
size_t TextStream::holdBack() const {
  std::string_view text(pending.data(), held);
  size_t hold = incompleteTail(text);
  for (std::string_view stop : stops) {
    size_t length = stop.empty() ? 0 : std::min(stop.size() - 1, text.size());
    for (; length > hold; --length)
      if (text.substr(text.size() - length) == stop.substr(0, length))
        hold = length;
  }
  // A stop string may begin right behind the lead of a broken character; hold the character, too.
  return std::max(hold, incompleteTail(text.substr(0, text.size() - hold)) + hold);
}

/// Hands on the first `count` pending bytes, valid characters in one piece.
void TextStream::emit(size_t count) {
  std::string_view text(pending.data(), count);
  while (!text.empty()) {
    size_t valid = 0;
    Character character{0, 0};
    while (valid < text.size()) {
      character = decodeCharacter(text.data() + valid, text.size() - valid);
      if (character.code == Character::Invalid)
        break;
      valid += character.length;
    }
    if (valid)
      sink(context, text.substr(0, valid));
    text.remove_prefix(valid);
    if (!text.empty()) {
      sink(context, "\xEF\xBF\xBD");
      text.remove_prefix(1);
    }
  }
  std::memmove(pending.data(), pending.data() + count, held - count);
  held -= count;
}

bool TextStream::append(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t take = std::min(bytes.size(), pending.size() - held);
    std::memcpy(pending.data() + held, bytes.data(), take);
    held += take;
    bytes.remove_prefix(take);
    std::string_view text(pending.data(), held);
    size_t first = text.npos;
    for (std::string_view stop : stops)
      if (!stop.empty())
        first = std::min(first, text.find(stop));
    if (first != text.npos) {
      emit(first);
      held = 0;
      return true;
    }
    emit(held - holdBack());
  }
  return false;
}

void TextStream::finish() { emit(held); }

} // namespace nibble::rt
