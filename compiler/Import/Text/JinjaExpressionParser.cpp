//===- JinjaExpressionParser.cpp - From tokens to expressions -------------===//
//
// See JinjaParserImpl.h. One function a level of precedence, as in jinja2 3.1
// (parser.py).
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/JinjaParserImpl.h"

#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace nibble;
using namespace nibble::jinja;
using llvm::StringRef;
using llvm::Twine;
using rt::chat::Operator;

ExpressionPtr Parser::make(ExpressionKind kind, size_t offset, ExpressionPtr first, ExpressionPtr second) {
  if (++parts > MaxParts)
    fail(offset, "an expression of more than " + Twine(MaxParts) + " parts", true);
  auto expression = std::make_unique<Expression>();
  expression->kind = kind;
  expression->offset = offset;
  if (first)
    expression->children.push_back(std::move(first));
  if (second)
    expression->children.push_back(std::move(second));
  return expression;
}

ExpressionPtr Parser::parseExpression(bool withConditional) {
  Nesting nesting(*this);
  if (depth > MaxDepth)
    return fail(peek().offset, "nested deeper than " + Twine(MaxDepth) + " levels", true);
  ExpressionPtr value = parseOr();
  while (value && withConditional && isName("if")) {
    size_t offset = next().offset;
    ExpressionPtr condition = parseOr();
    if (!condition)
      return nullptr;
    value = make(ExpressionKind::Conditional, offset, std::move(value), std::move(condition));
    value->children.push_back(nullptr);
    if (takeName("else") && !(value->children[2] = parseExpression()))
      return nullptr;
  }
  return value;
}

ExpressionPtr Parser::parseOr() {
  ExpressionPtr value = parseAnd();
  while (value && isName("or")) {
    size_t offset = next().offset;
    ExpressionPtr right = parseAnd();
    if (!right)
      return nullptr;
    value = make(ExpressionKind::Or, offset, std::move(value), std::move(right));
  }
  return value;
}

ExpressionPtr Parser::parseAnd() {
  ExpressionPtr value = parseNot();
  while (value && isName("and")) {
    size_t offset = next().offset;
    ExpressionPtr right = parseNot();
    if (!right)
      return nullptr;
    value = make(ExpressionKind::And, offset, std::move(value), std::move(right));
  }
  return value;
}

ExpressionPtr Parser::parseNot() {
  std::vector<size_t> offsets;
  while (isName("not"))
    offsets.push_back(next().offset);
  ExpressionPtr value = parseCompare();
  for (size_t offset : llvm::reverse(offsets))
    if (value)
      value = make(ExpressionKind::Not, offset, std::move(value));
  return value;
}

ExpressionPtr Parser::parseCompare() {
  ExpressionPtr value = parseBinary(0);
  for (bool first = true; value; first = false) {
    std::optional<Operator> op;
    size_t offset = peek().offset;
    if (peek().kind == TokenKind::Operator)
      op = llvm::StringSwitch<std::optional<Operator>>(peek().text)
               .Case("==", Operator::Equal)
               .Case("!=", Operator::NotEqual)
               .Case("<", Operator::Less)
               .Case("<=", Operator::LessEqual)
               .Case(">", Operator::Greater)
               .Case(">=", Operator::GreaterEqual)
               .Default(std::nullopt);
    else if (isName("in"))
      op = Operator::In;
    else if (isName("not") && peek(1).kind == TokenKind::Name && peek(1).text == "in")
      next(), op = Operator::NotIn;
    if (!op)
      return value;
    if (!first)
      return fail(offset, "comparisons in a chain are not supported; write 'a < b and b < c'", true);
    next();
    ExpressionPtr right = parseBinary(0);
    if (!right)
      return nullptr;
    value = make(ExpressionKind::Binary, offset, std::move(value), std::move(right));
    value->op = *op;
  }
  return value;
}

/// Level 0: + and -, 1: ~, 2: * / // %. As in jinja2, ~ binds closer than +.
ExpressionPtr Parser::parseBinary(unsigned level) {
  if (level == 3)
    return parseUnary();
  ExpressionPtr value = parseBinary(level + 1);
  while (value && peek().kind == TokenKind::Operator) {
    struct {
      StringRef text;
      unsigned level;
      Operator op;
    } table[] = {{"+", 0, Operator::Add},         {"-", 0, Operator::Subtract}, {"~", 1, Operator::Concatenate},
                 {"*", 2, Operator::Multiply},    {"//", 2, Operator::FloorDivide}, {"%", 2, Operator::Modulo}};
    const auto *row = llvm::find_if(table, [&](auto &row) { return row.level == level && row.text == peek().text; });
    if (level == 2 && (isOperator("/") || isOperator("**")))
      return fail(peek().offset, "the operator '" + peek().text + "' is not supported", true);
    if (row == std::end(table))
      break;
    size_t offset = next().offset;
    ExpressionPtr right = parseBinary(level + 1);
    if (!right)
      return nullptr;
    value = make(ExpressionKind::Binary, offset, std::move(value), std::move(right));
    value->op = row->op;
  }
  return value;
}

ExpressionPtr Parser::parseUnary(bool withFilters) {
  Nesting nesting(*this);
  if (depth > MaxDepth)
    return fail(peek().offset, "nested deeper than " + Twine(MaxDepth) + " levels", true);
  ExpressionPtr value;
  if (isOperator("-") || isOperator("+")) {
    Token sign = next();
    value = parseUnary(false);
    if (value && sign.text == "-")
      value = make(ExpressionKind::Negate, sign.offset, std::move(value));
  } else {
    value = parsePrimary();
  }
  if (value)
    value = parsePostfix(std::move(value));
  return value && withFilters ? parseFilters(std::move(value)) : std::move(value);
}

ExpressionPtr Parser::parseName() {
  const Token &token = next();
  std::string lower = StringRef(token.text).lower();
  ExpressionPtr value;
  if (token.text == "true" || token.text == "false" || token.text == "True" || token.text == "False") {
    value = make(ExpressionKind::Boolean, token.offset);
    value->integer = lower == "true";
  } else if (token.text == "none" || token.text == "None") {
    value = make(ExpressionKind::None, token.offset);
  } else {
    value = make(ExpressionKind::Name, token.offset);
    value->name = token.text;
  }
  return value;
}

ExpressionPtr Parser::parsePrimary() {
  const Token &token = peek();
  switch (token.kind) {
  case TokenKind::Name:
    return parseName();
  case TokenKind::String: {
    ExpressionPtr value = make(ExpressionKind::String, token.offset);
    while (peek().kind == TokenKind::String)
      value->name += next().text;
    return value;
  }
  case TokenKind::Integer: {
    ExpressionPtr value = make(ExpressionKind::Integer, token.offset);
    StringRef(next().text).getAsInteger(10, value->integer);
    return value;
  }
  case TokenKind::Operator:
    break;
  default:
    return fail(token.offset, "expected an expression, found " + describe(token));
  }
  size_t offset = token.offset;
  if (takeOperator("("))
    return parseSequence(")", make(ExpressionKind::List, offset));
  if (takeOperator("["))
    return parseSequence("]", make(ExpressionKind::List, offset));
  if (takeOperator("{"))
    return parseDict(offset);
  return fail(offset, "expected an expression, found " + describe(token));
}

/// Items up to `close`. One item in parentheses without a comma is that item; a tuple is a list here.
ExpressionPtr Parser::parseSequence(StringRef close, ExpressionPtr list) {
  bool comma = close == "]";
  while (!isOperator(close)) {
    ExpressionPtr item = parseExpression();
    if (!item)
      return nullptr;
    list->children.push_back(std::move(item));
    if (!takeOperator(","))
      break;
    comma = true;
  }
  if (!expectOperator(close))
    return nullptr;
  return !comma && list->children.size() == 1 ? std::move(list->children[0]) : std::move(list);
}

ExpressionPtr Parser::parseDict(size_t offset) {
  ExpressionPtr dict = make(ExpressionKind::Dict, offset);
  while (!isOperator("}")) {
    for (int part = 0; part < 2; ++part) {
      if (part == 1 && !expectOperator(":"))
        return nullptr;
      ExpressionPtr value = parseExpression();
      if (!value)
        return nullptr;
      dict->children.push_back(std::move(value));
    }
    if (!takeOperator(","))
      break;
  }
  return expectOperator("}") ? std::move(dict) : nullptr;
}

/// ( a, b, name = c ); the opening parenthesis is next.
bool Parser::parseArguments(Expression &call) {
  if (!expectOperator("("))
    return false;
  while (!isOperator(")")) {
    std::string name;
    if (isOperator("*") || isOperator("**"))
      return fail(peek().offset, "arguments with * are not supported", true);
    if (peek().kind == TokenKind::Name && peek(1).kind == TokenKind::Operator && peek(1).text == "=") {
      name = next().text;
      next();
    } else if (!call.argumentNames.empty() && !call.argumentNames.back().empty()) {
      return fail(peek().offset, "an argument without a name follows one with a name");
    }
    ExpressionPtr value = parseExpression();
    if (!value)
      return false;
    call.arguments.push_back(std::move(value));
    call.argumentNames.push_back(name);
    if (call.arguments.size() > rt::chat::MaxArguments)
      return fail(call.offset, "more than " + Twine(rt::chat::MaxArguments) + " arguments", true);
    if (!takeOperator(","))
      break;
  }
  return expectOperator(")");
}

ExpressionPtr Parser::parsePostfix(ExpressionPtr value) {
  while (value) {
    size_t offset = peek().offset;
    if (takeOperator(".")) {
      value = make(ExpressionKind::Attribute, offset, std::move(value));
      if (peek().kind == TokenKind::Integer) { // x.0 is x[0]
        value->kind = ExpressionKind::Item;
        ExpressionPtr index = make(ExpressionKind::Integer, peek().offset);
        StringRef(next().text).getAsInteger(10, index->integer);
        value->children.push_back(std::move(index));
      } else if (!expectIdentifier(value->name)) {
        return nullptr;
      }
    } else if (isOperator("[")) {
      value = parseSubscript(std::move(value));
    } else if (isOperator("(")) {
      value = make(ExpressionKind::Call, offset, std::move(value));
      if (!parseArguments(*value))
        return nullptr;
    } else {
      break;
    }
  }
  return value;
}

/// x[i] or x[a:b:c].
ExpressionPtr Parser::parseSubscript(ExpressionPtr value) {
  size_t offset = next().offset;
  ExpressionPtr bounds[3];
  unsigned count = 0;
  bool isSlice = false;
  while (!isOperator("]") && count < 3) {
    if (!isOperator(":") && !(bounds[count] = parseExpression()))
      return nullptr;
    ++count;
    if (!takeOperator(":"))
      break;
    isSlice = true;
  }
  if (isOperator(","))
    return fail(peek().offset, "an index of several parts is not supported", true);
  if (!expectOperator("]"))
    return nullptr;
  if (!isSlice && !bounds[0])
    return fail(offset, "expected an index");
  if (!isSlice)
    return make(ExpressionKind::Item, offset, std::move(value), std::move(bounds[0]));
  ExpressionPtr slice = make(ExpressionKind::Slice, offset, std::move(value));
  for (ExpressionPtr &bound : bounds)
    slice->children.push_back(std::move(bound));
  return slice;
}

ExpressionPtr Parser::parseFilters(ExpressionPtr value) {
  while (value) {
    if (isOperator("|"))
      value = parseFilter(std::move(value));
    else if (isName("is"))
      value = parseTest(std::move(value));
    else if (isOperator("("))
      value = parsePostfix(std::move(value));
    else
      break;
  }
  return value;
}

ExpressionPtr Parser::parseFilter(ExpressionPtr value) {
  size_t offset = next().offset;
  ExpressionPtr filter = make(ExpressionKind::Filter, offset, std::move(value));
  if (!expectIdentifier(filter->name) || (isOperator("(") && !parseArguments(*filter)))
    return nullptr;
  return filter;
}

/// x is [not] name, with arguments in parentheses or one behind the name.
ExpressionPtr Parser::parseTest(ExpressionPtr value) {
  size_t offset = next().offset;
  ExpressionPtr test = make(ExpressionKind::Test, offset, std::move(value));
  test->integer = takeName("not");
  if (!expectIdentifier(test->name))
    return nullptr;
  if (isOperator("("))
    return parseArguments(*test) ? std::move(test) : nullptr;
  bool isWord = peek().kind == TokenKind::Name && !isName("else") && !isName("or") && !isName("and") &&
                !isName("is") && !isName("if") && !isName("in") && !isName("not");
  if (isWord || peek().kind == TokenKind::String || peek().kind == TokenKind::Integer || isOperator("[") ||
      isOperator("{")) {
    ExpressionPtr argument = parsePrimary();
    if (!argument || !(argument = parsePostfix(std::move(argument))))
      return nullptr;
    test->arguments.push_back(std::move(argument));
    test->argumentNames.emplace_back();
  }
  return test;
}
