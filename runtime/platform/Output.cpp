//===- Output.cpp - buffered writing to a file descriptor ----------------===//
//
// See Output.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/platform/Output.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace nibble::rt {

void Output::flush() {
  for (size_t done = 0; done < used && !broken;) {
    ssize_t wrote = ::write(descriptor, buffer + done, used - done);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0)
      broken = true;
    else
      done += wrote;
  }
  used = 0;
}

void Output::write(std::string_view text) {
  while (!text.empty()) {
    if (used == sizeof(buffer))
      flush();
    size_t room = sizeof(buffer) - used;
    size_t take = text.size() < room ? text.size() : room;
    memcpy(buffer + used, text.data(), take);
    used += take;
    text.remove_prefix(take);
  }
}

void Output::print(const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (length < 0)
    return;
  if (static_cast<size_t>(length) < sizeof(text))
    return write({text, static_cast<size_t>(length)});
  write({text, sizeof(text) - 1});
  write("…");
}

void Output::writeJson(std::string_view text) {
  for (char c : text) {
    if (c == '"' || c == '\\')
      print("\\%c", c);
    else if (static_cast<unsigned char>(c) < 0x20)
      print("\\u%04x", static_cast<unsigned char>(c));
    else
      write({&c, 1});
  }
}

} // namespace nibble::rt
