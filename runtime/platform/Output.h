//===- Output.h - buffered writing to a file descriptor ----------*- C++ -*-===//
//
// What:  bytes and formatted text to standard output or standard error.
// Why:   stdio allocates its buffers, and interleaves badly with write(2).
// Contract: nothing is lost: full buffers are flushed, the destructor flushes, and
//        a failed write is remembered in failed(). One formatted piece is at most
//        1 KiB; longer ones end in an ellipsis.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <string_view>

namespace nibble::rt {

class Output {
public:
  explicit Output(int descriptor) : descriptor(descriptor) {}
  ~Output() { flush(); }
  Output(const Output &) = delete;
  Output &operator=(const Output &) = delete;

  void write(std::string_view text);
  [[gnu::format(printf, 2, 3)]] void print(const char *format, ...);
  /// Text inside a JSON string: quotes, backslashes and control characters are escaped.
  void writeJson(std::string_view text);
  void flush();
  bool failed() const { return broken; }

private:
  int descriptor;
  bool broken = false;
  size_t used = 0;
  char buffer[4096];
};

} // namespace nibble::rt
