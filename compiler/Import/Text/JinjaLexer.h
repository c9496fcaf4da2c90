//===- JinjaLexer.h - Tokens of a chat template -----------------*- C++ -*-===//
//
// Cuts a Jinja template into text and the tokens of its tags, with the white
// space control that chat templates are written for: trim_blocks and
// lstrip_blocks on, as in Hugging Face's apply_chat_template.
//
//   {{ expression }}   {% statement %}   {# comment #}   {% raw %} … {% endraw %}
//   -%} and {%- strip white space; +%} and {%+ keep what would be stripped
//
// Reference: jinja2 3.1, lexer.py.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_JINJALEXER_H
#define NIBBLE_COMPILER_IMPORT_TEXT_JINJALEXER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nibble::jinja {

enum class TokenKind {
  Text,        ///< what stands between tags, after white space control
  ExpressionBegin,
  ExpressionEnd,
  StatementBegin,
  StatementEnd,
  Name,
  String,      ///< with escapes replaced
  Integer,
  Operator,    ///< punctuation, spelled as in the source
  End,
};

struct Token {
  TokenKind kind;
  std::string text;
  size_t offset; ///< in the template, for messages
};

/// A place in a template, counted from 1.
struct Position {
  size_t line, column;
};
Position positionOf(llvm::StringRef source, size_t offset);

/// A Malformed or Unsupported ImportError that begins with "chat template, line L, column C: ".
llvm::Error templateError(llvm::StringRef source, size_t offset, const llvm::Twine &message, bool unsupported = false);

/// Line ends as \n and without the last one: what offsets refer to.
std::string normalizeSource(llvm::StringRef source);

/// The tokens of a normalized template, with End at the end.
llvm::Expected<std::vector<Token>> tokenize(llvm::StringRef source);

} // namespace nibble::jinja

#endif // NIBBLE_COMPILER_IMPORT_TEXT_JINJALEXER_H
