//===- JinjaAST.h - What a chat template says -------------------*- C++ -*-===//
//
// Expressions and statements of the Jinja subset of chat templates. Nodes own
// their children; every node knows its place in the template.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_JINJAAST_H
#define NIBBLE_COMPILER_IMPORT_TEXT_JINJAAST_H

#include "runtime/text/ChatProgram.h"

#include <memory>
#include <string>
#include <vector>

namespace nibble::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class ExpressionKind {
  None,
  Boolean,     ///< integer
  Integer,     ///< integer
  String,      ///< name
  Name,        ///< name
  Attribute,   ///< children[0] . name
  Item,        ///< children[0] [ children[1] ]
  Slice,       ///< children[0] [ children[1] : children[2] : children[3] ], null where left out
  Binary,      ///< children[0] op children[1]
  Not,
  Negate,
  And,
  Or,
  Conditional, ///< children[0] if children[1] else children[2] (null where left out)
  List,
  Dict,        ///< children: key, value, key, value …
  Filter,      ///< children[0] | name(arguments)
  Test,        ///< children[0] is name(arguments); integer = 1: "is not"
  Call,        ///< children[0] (arguments)
};

struct Expression {
  ExpressionKind kind;
  size_t offset;
  std::string name;
  int64_t integer = 0;
  rt::chat::Operator op = rt::chat::Operator::Add;
  std::vector<ExpressionPtr> children;
  /// Of a filter, test or call: positional ones, then named ones with their names.
  std::vector<ExpressionPtr> arguments;
  std::vector<std::string> argumentNames; ///< empty for a positional one
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

enum class StatementKind {
  Text,      ///< name
  Output,    ///< value
  If,        ///< value; body, otherwise
  For,       ///< targets in value; condition; body, otherwise
  Set,       ///< targets = value
  SetField,  ///< targets[0] . name = value
  SetBlock,  ///< targets[0] = body, through the filters of value (a chain over null)
  Macro,     ///< name(targets = defaults); body
  Scope,     ///< body with variables of its own (generation)
  With,      ///< targets = defaults (one each); body
  Break,
  Continue,
};

struct Statement {
  StatementKind kind;
  size_t offset;
  std::string name;
  ExpressionPtr value;
  ExpressionPtr condition;
  std::vector<std::string> targets;
  std::vector<ExpressionPtr> defaults; ///< of a macro: as many as targets, null where there is none
  Block body, otherwise;
};

} // namespace nibble::jinja

#endif // NIBBLE_COMPILER_IMPORT_TEXT_JINJAAST_H
