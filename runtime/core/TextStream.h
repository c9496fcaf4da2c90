//===- TextStream.h - from token texts to what the user sees -----*- C++ -*-===//
//
// What:  takes the bytes of one token after the other, looks for stop strings across
//        their borders, and hands on text that is always whole, valid UTF-8.
// Why:   a token may end in the middle of a character or of a stop string; neither
//        may reach the screen.
// Contract: what is handed on is the input up to the first stop string, except that
//        bytes which are not UTF-8 become U+FFFD. Held back is at most what could
//        still become a stop string or a character. No allocation.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace nibble::rt {

class TextStream {
public:
  using Sink = void (*)(void *context, std::string_view text);

  /// `pending` must hold pendingBytes(). `stops` must outlive the stream; empty ones are ignored.
  void initialize(std::span<char> pending, std::span<const std::string_view> stops, Sink sink, void *context);

  static constexpr size_t pendingBytes(size_t maxTokenBytes, size_t maxStopBytes) {
    return maxTokenBytes + maxStopBytes + 4;
  }

  /// Hands on to another place from now on.
  void redirect(Sink newSink, void *newContext) {
    sink = newSink;
    context = newContext;
  }

  /// Forgets what is held back: a new answer begins.
  void restart() { held = 0; }

  /// Returns true when a stop string ended the text; everything before it has been handed on.
  bool append(std::string_view bytes);

  /// Hands on what is held back: no more bytes will come.
  void finish();

private:
  size_t holdBack() const;
  void emit(size_t count);

  std::span<char> pending;
  std::span<const std::string_view> stops;
  Sink sink = nullptr;
  void *context = nullptr;
  size_t held = 0;
};

} // namespace nibble::rt
