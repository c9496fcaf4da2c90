//===- Status.h - outcome of what can fail -----------------------*- C++ -*-===//
//
// What:  success, or the exit code and the sentence with which the program ends.
// Why:   every failure of a run-time program ends it with one message; there is no
//        exception to carry it and no heap to keep it.
// Contract: the code is one of Exit; the text is one line without a newline.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdarg>
#include <cstdio>

namespace nibble::rt {

/// Exit codes of an emitted program; the same meaning as in the compiler.
enum class Exit : int {
  Done = 0,
  Usage = 2,       // the command line, or a prompt that does not fit
  Damaged = 3,     // the program file is truncated or altered
  Unsupported = 4, // this machine lacks what the code needs
  Internal = 70,   // a defect, or the system refused memory
};

class [[nodiscard]] Status {
public:
  static Status success() { return Status(Exit::Done); }

  [[gnu::format(printf, 2, 3)]] static Status failure(Exit code, const char *format, ...) {
    Status status(code);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(status.buffer, sizeof(status.buffer), format, arguments);
    va_end(arguments);
    return status;
  }

  bool failed() const { return exitCode != Exit::Done; }
  Exit code() const { return exitCode; }
  const char *text() const { return buffer; }

private:
  explicit Status(Exit code) : exitCode(code) { buffer[0] = 0; }

  Exit exitCode;
  char buffer[400];
};

} // namespace nibble::rt
