//===- Conversation.h - the messages of a chat -------------------*- C++ -*-===//
//
// What:  who said what, in one buffer of fixed size.
// Contract: contents lie behind each other in the buffer in the order of the
//        messages (a system message may lie elsewhere); forgetting the oldest
//        exchange moves the rest forward. A system message stays.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/MemoryPlan.h"
#include "runtime/text/ChatTemplate.h"

#include <cstring>

namespace nibble::rt {

class Conversation {
public:
  Conversation() = default;
  Conversation(std::span<char> buffer, std::string_view system) { begin(buffer, system); }

  /// Forgets everything; the system message, unless empty, stays where its text lies.
  void begin(std::span<char> newBuffer, std::string_view system) {
    buffer = newBuffer;
    used = count = 0;
    if (!system.empty())
      messages[count++] = {"system", system};
    pinned = count;
  }

  /// Takes `size` bytes of room() as the system message; to be called before there is any other.
  void addSystem(size_t size) {
    std::string_view text(buffer.data(), size);
    begin(buffer.subspan(size), text);
  }

  bool isEmpty() const { return count == 0; }
  bool hasSystem() const { return pinned != 0; }

  std::span<const ChatTurn> all() const { return {messages, count}; }

  /// Free bytes behind the last message, where the next one is written.
  std::span<char> room() const { return buffer.subspan(used); }

  /// Takes the first `size` bytes of room() as a message. False when there is no place for it.
  bool add(std::string_view role, size_t size) {
    if (count == MaxMessages || size > room().size())
      return false;
    messages[count++] = {role, {buffer.data() + used, size}};
    used += size;
    return true;
  }

  /// Adds a message with a copy of `text`.
  bool add(std::string_view role, std::string_view text) {
    if (text.size() > room().size())
      return false;
    std::memcpy(room().data(), text.data(), text.size());
    return add(role, text.size());
  }

  /// Whether a question and its answer could not be added.
  bool isFull() const { return count + 2 > MaxMessages; }

  /// Adds to the last message what has been written to room().
  void extend(std::string_view text) {
    size_t size = text.size() < room().size() ? text.size() : room().size();
    std::memcpy(buffer.data() + used, text.data(), size);
    messages[count - 1].content = {messages[count - 1].content.data(), messages[count - 1].content.size() + size};
    used += size;
  }

  /// Takes the last message back.
  void removeLast() {
    used -= messages[count - 1].content.size();
    --count;
  }

  /// Forgets the oldest question and its answer. False when only the latest question is left.
  bool forgetOldest() {
    if (count < pinned + 3)
      return false;
    size_t bytes = messages[pinned].content.size() + messages[pinned + 1].content.size();
    std::memmove(buffer.data(), buffer.data() + bytes, used - bytes);
    for (size_t i = pinned; i + 2 < count; ++i) {
      messages[i] = messages[i + 2];
      messages[i].content = {messages[i].content.data() - bytes, messages[i].content.size()};
    }
    used -= bytes;
    count -= 2;
    return true;
  }

private:
  std::span<char> buffer;
  size_t used = 0, count = 0, pinned = 0;
  ChatTurn messages[MaxMessages];
};

} // namespace nibble::rt
