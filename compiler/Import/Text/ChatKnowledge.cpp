//===- ChatKnowledge.cpp - What is certain about a value ------------------===//
//
// See ChatKnowledge.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/ChatKnowledge.h"

using namespace nibble::jinja;
using llvm::StringRef;
using nibble::rt::chat::Operator;

static Known fromBool(bool value) { return value ? Known::True : Known::False; }

/// A field of a message, by attribute, index or get().
static Known fieldOf(Known object, StringRef name, Known absent) {
  if (object != Known::Message)
    return Known::Nothing;
  return name == "role" || name == "content" ? Known::String : absent;
}

static std::optional<bool> truthOf(Known known) {
  switch (known) {
  case Known::Undefined:
  case Known::None:
  case Known::False:
    return false;
  case Known::True:
  case Known::Message:
    return true;
  default:
    return std::nullopt;
  }
}

static Known testOf(const Expression &test, Known value) {
  if (value == Known::Nothing || !test.arguments.empty())
    return Known::Nothing;
  std::optional<bool> answer;
  StringRef name = test.name;
  if (name == "defined")
    answer = value != Known::Undefined;
  else if (name == "undefined")
    answer = value == Known::Undefined;
  else if (name == "none")
    answer = value == Known::None;
  else if (name == "string")
    answer = value == Known::String;
  else if (name == "mapping")
    answer = value == Known::Message;
  else if (name == "iterable" || name == "sequence")
    answer = value != Known::None && value != Known::True && value != Known::False;
  else if (name == "true")
    answer = value == Known::True;
  else if (name == "false")
    answer = value == Known::False;
  if (!answer)
    return Known::Nothing;
  return fromBool(*answer != (test.integer != 0));
}

/// The value of a call; of interest is message.get(name).
static Known callOf(const Expression &call, KnownVariable variable) {
  const Expression &callee = *call.children[0];
  if (callee.kind != ExpressionKind::Attribute || callee.name != "get" || call.arguments.size() != 1 ||
      call.arguments[0]->kind != ExpressionKind::String)
    return Known::Nothing;
  return fieldOf(knownOf(*callee.children[0], variable), call.arguments[0]->name, Known::None);
}

Known nibble::jinja::knownOf(const Expression &e, KnownVariable variable) {
  switch (e.kind) {
  case ExpressionKind::None:
    return Known::None;
  case ExpressionKind::Boolean:
    return fromBool(e.integer);
  case ExpressionKind::String:
    return Known::String;
  case ExpressionKind::Name:
    return variable(e.name);
  case ExpressionKind::Attribute:
    return fieldOf(knownOf(*e.children[0], variable), e.name, Known::Undefined);
  case ExpressionKind::Item:
    if (e.children[1]->kind == ExpressionKind::String)
      return fieldOf(knownOf(*e.children[0], variable), e.children[1]->name, Known::Undefined);
    return Known::Nothing;
  case ExpressionKind::Slice:
    return knownOf(*e.children[0], variable) == Known::Messages ? Known::Messages : Known::Nothing;
  case ExpressionKind::Filter:
    if (!e.children.empty() && (e.name == "list" || e.name == "selectattr" || e.name == "rejectattr") &&
        knownOf(*e.children[0], variable) == Known::Messages)
      return Known::Messages;
    if (!e.children.empty() && e.name == "trim" && knownOf(*e.children[0], variable) == Known::String)
      return Known::String;
    return Known::Nothing;
  case ExpressionKind::Test:
    return testOf(e, knownOf(*e.children[0], variable));
  case ExpressionKind::Call:
    return callOf(e, variable);
  case ExpressionKind::Binary:
    // 'name' in message
    if ((e.op == Operator::In || e.op == Operator::NotIn) && e.children[0]->kind == ExpressionKind::String &&
        knownOf(*e.children[1], variable) == Known::Message) {
      bool has = e.children[0]->name == "role" || e.children[0]->name == "content";
      return fromBool(has == (e.op == Operator::In));
    }
    return Known::Nothing;
  case ExpressionKind::Not:
  case ExpressionKind::And:
  case ExpressionKind::Or:
    if (auto truth = truthOf(e, variable); truth && e.kind == ExpressionKind::Not)
      return fromBool(*truth);
    return Known::Nothing;
  case ExpressionKind::Conditional:
    if (auto truth = truthOf(*e.children[1], variable)) {
      if (*truth)
        return knownOf(*e.children[0], variable);
      return e.children[2] ? knownOf(*e.children[2], variable) : Known::Undefined;
    }
    return Known::Nothing;
  default:
    return Known::Nothing;
  }
}

std::optional<bool> nibble::jinja::truthOf(const Expression &e, KnownVariable variable) {
  if (e.kind == ExpressionKind::Not) {
    auto truth = truthOf(*e.children[0], variable);
    return truth ? std::optional(!*truth) : std::nullopt;
  }
  if (e.kind == ExpressionKind::And || e.kind == ExpressionKind::Or) {
    // The left side decides, or the right side does after a left side that is known.
    auto left = truthOf(*e.children[0], variable);
    if (!left || *left == (e.kind == ExpressionKind::Or))
      return left;
    return truthOf(*e.children[1], variable);
  }
  return ::truthOf(knownOf(e, variable));
}

bool nibble::jinja::neverTrue(const Expression &e, KnownVariable variable) {
  if (e.kind == ExpressionKind::And)
    return neverTrue(*e.children[0], variable) || neverTrue(*e.children[1], variable);
  if (e.kind == ExpressionKind::Or)
    return neverTrue(*e.children[0], variable) && neverTrue(*e.children[1], variable);
  auto truth = truthOf(e, variable);
  return truth && !*truth;
}
