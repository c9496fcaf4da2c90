//===- LibraryFailure.cpp - what the C++ headers call when misused --------===//
//
// An emitted program links no C++ library. Its headers refer to one function that a
// bounds check (string_view::substr) calls where others would throw; a call is a
// defect of ours. Only in the cross-compiled library: tests link the real one.
//
//===----------------------------------------------------------------------===//
#include "runtime/platform/Status.h"

#include <cstddef>
#include <cstdlib>
#include <unistd.h>

namespace std {

[[noreturn, gnu::format(printf, 1, 2)]] void __throw_out_of_range_fmt(const char *, ...) {
  static const char message[] = "internal error: text position out of range\n";
  [[maybe_unused]] ssize_t ignored = write(2, message, sizeof(message) - 1);
  _exit(static_cast<int>(nibble::rt::Exit::Internal));
}

} // namespace std
