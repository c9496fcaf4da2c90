//===- TextError.cpp - the sentences of the text errors --------------------===//
//
// See TextError.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/TextError.h"

namespace nibble::rt {

const char *describe(TextError error) {
  switch (error) {
  case TextError::None:
    return "no error";
  case TextError::BadTable:
    return "the text tables of this program are damaged";
  case TextError::WorkspaceTooSmall:
    return "the text is longer than the memory planned for it";
  case TextError::OutputTooSmall:
    return "the result is longer than the memory planned for it";
  case TextError::TextTooLong:
    return "the text has 2 GiB or more";
  case TextError::BadToken:
    return "a token id lies outside the vocabulary";
  case TextError::UnknownBytes:
    return "the text holds bytes that the vocabulary cannot express";
  case TextError::TooManySteps:
    return "the chat template ran longer than allowed";
  case TextError::TemplateRaised:
    return "the chat template refused the conversation";
  case TextError::TemplateType:
    return "the chat template used a value in a way its type does not have";
  case TextError::TemplateCase:
    return "the chat template changes the case of letters beyond ASCII, which this program has no tables for";
  case TextError::TemplateUndefined:
    return "the chat template used an undefined value";
  }
  return "unknown error";
}

} // namespace nibble::rt
