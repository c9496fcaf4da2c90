//===- ChatKnowledge.h - What is certain about a value ----------*- C++ -*-===//
//
// Chat templates serve tools, documents and images too. Programs compiled by Nibble
// have none of these, so large parts of a template can never be reached. They are
// found by a small constant propagation: what is known of an expression without
// running the template.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_CHATKNOWLEDGE_H
#define NIBBLE_COMPILER_IMPORT_TEXT_CHATKNOWLEDGE_H

#include "compiler/Import/Text/JinjaAST.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace nibble::jinja {

enum class Known {
  Nothing,
  Undefined,
  None,
  False,
  True,
  String,
  Message,  ///< an element of messages: a dict of the strings role and content
  Messages, ///< a list of messages
};

/// What is known of a variable.
using KnownVariable = llvm::function_ref<Known(llvm::StringRef)>;

Known knownOf(const Expression &expression, KnownVariable variable);

/// Whether an expression is true or false in a condition, if that is certain.
std::optional<bool> truthOf(const Expression &expression, KnownVariable variable);

/// Whether an expression can't be true, though evaluating it may still fail.
bool neverTrue(const Expression &expression, KnownVariable variable);

} // namespace nibble::jinja

#endif // NIBBLE_COMPILER_IMPORT_TEXT_CHATKNOWLEDGE_H
