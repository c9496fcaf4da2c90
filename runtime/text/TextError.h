//===- TextError.h - what can go wrong with text at run time -----*- C++ -*-===//
//
// One list for tokenizer and chat template. Each code has a sentence, because the
// program prints it and has nothing else to say.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble::rt {

enum class [[nodiscard]] TextError : uint8_t {
  None,
  BadTable,          // the tables contradict themselves
  WorkspaceTooSmall, // the caller gave less than workspaceSize()
  OutputTooSmall,    // the result does not fit the caller's buffer
  TextTooLong,       // 2 GiB or more
  BadToken,          // an id outside the vocabulary
  UnknownBytes,      // bytes that the vocabulary cannot express; the ids hold all the rest
  TooManySteps,      // the chat template ran longer than its bound
  TemplateRaised,    // the chat template called raise_exception
  TemplateType,      // an operation on a value that does not have it
  TemplateCase,      // the chat template changes the case of letters beyond ASCII
  TemplateUndefined, // an operation on an undefined value
};

/// A sentence without a full stop, never null.
const char *describe(TextError error);

} // namespace nibble::rt
