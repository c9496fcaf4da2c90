//===- JinjaParser.cpp - From tokens to expressions and statements --------===//
//
// See JinjaParser.h. A parse function that fails leaves the first error in
// `failure` and returns null (or false); callers return at once.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/JinjaParser.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/JinjaLexer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <optional>

using namespace nibble;
using namespace nibble::jinja;
using llvm::StringRef;
using llvm::Twine;
using rt::chat::Operator;

/// Statements and expressions inside each other; real templates reach 12. Each level takes about 1 KiB of stack.
static constexpr unsigned MaxDepth = 200;

/// Parts of one tag's expressions: a + b + c … is as deep as it is long. Real templates reach 60.
static constexpr unsigned MaxParts = 4096;

namespace {

/// What a parse function returns when it fails, be its result a node or a flag.
struct Failed {
  operator ExpressionPtr() const { return nullptr; }
  operator bool() const { return false; }
};

class Parser {
public:
  Parser(StringRef source, std::vector<Token> tokens) : source(source), tokens(std::move(tokens)) {}

  llvm::Expected<Block> run() {
    Block block;
    if (parseBlock(block, {}, 0) && !failure)
      return std::move(block);
    return templateError(source, failure->offset, failure->message, failure->unsupported);
  }

private:
  struct Failure {
    size_t offset;
    std::string message;
    bool unsupported;
  };

  // Tokens.
  const Token &peek(size_t ahead = 0) const { return tokens[std::min(at + ahead, tokens.size() - 1)]; }
  const Token &next() { return tokens[at + 1 < tokens.size() ? at++ : at]; }
  bool isOperator(StringRef text) const { return peek().kind == TokenKind::Operator && peek().text == text; }
  bool isName(StringRef text) const { return peek().kind == TokenKind::Name && peek().text == text; }
  bool takeOperator(StringRef text) { return isOperator(text) && (next(), true); }
  bool takeName(StringRef text) { return isName(text) && (next(), true); }
  Failed fail(size_t offset, const Twine &message, bool isUnsupported = false) {
    if (!failure)
      failure = Failure{offset, message.str(), isUnsupported};
    return {};
  }
  std::string describe(const Token &token) const;
  bool expectOperator(StringRef text) {
    if (takeOperator(text))
      return true;
    return fail(peek().offset, "expected '" + text + "', found " + describe(peek()));
  }
  bool expectEnd();
  bool expectIdentifier(std::string &name);

  // Expressions.
  ExpressionPtr make(ExpressionKind kind, size_t offset, ExpressionPtr first = nullptr, ExpressionPtr second = nullptr);
  ExpressionPtr parseExpression(bool withConditional = true);
  ExpressionPtr parseOr();
  ExpressionPtr parseAnd();
  ExpressionPtr parseNot();
  ExpressionPtr parseCompare();
  ExpressionPtr parseBinary(unsigned level);
  ExpressionPtr parseUnary(bool withFilters = true);
  ExpressionPtr parsePrimary();
  ExpressionPtr parseName();
  ExpressionPtr parsePostfix(ExpressionPtr value);
  ExpressionPtr parseSubscript(ExpressionPtr value);
  ExpressionPtr parseFilters(ExpressionPtr value);
  ExpressionPtr parseFilter(ExpressionPtr value);
  ExpressionPtr parseTest(ExpressionPtr value);
  ExpressionPtr parseSequence(StringRef close, ExpressionPtr list);
  ExpressionPtr parseDict(size_t offset);
  bool parseArguments(Expression &call);

  // Statements.
  bool parseBlock(Block &block, llvm::ArrayRef<StringRef> ends, size_t opener);
  bool parseStatement(Block &block);
  bool parseIf(Statement &statement);
  bool parseFor(Statement &statement);
  bool parseSet(Statement &statement);
  bool parseMacro(Statement &statement);
  bool parseWith(Statement &statement);
  bool parseTargets(std::vector<std::string> &targets);
  bool closeWith(StringRef name);

  StringRef source;
  std::vector<Token> tokens;
  size_t at = 0;
  unsigned depth = 0;
  unsigned parts = 0; // of the tag so far
  std::optional<Failure> failure;

  /// Counts nesting while it lives.
  struct Nesting {
    explicit Nesting(Parser &parser) : parser(parser) { ++parser.depth; }
    ~Nesting() { --parser.depth; }
    Parser &parser;
  };
};

} // namespace

std::string Parser::describe(const Token &token) const {
  switch (token.kind) {
  case TokenKind::Text:
    return "text";
  case TokenKind::ExpressionBegin:
    return "'{{'";
  case TokenKind::ExpressionEnd:
    return "'}}'";
  case TokenKind::StatementBegin:
    return "'{%'";
  case TokenKind::StatementEnd:
    return "'%}'";
  case TokenKind::String:
    return "a string";
  case TokenKind::End:
    return "the end of the template";
  default:
    return quote(token.text);
  }
}

bool Parser::expectEnd() {
  if (peek().kind == TokenKind::StatementEnd || peek().kind == TokenKind::ExpressionEnd) {
    next();
    return true;
  }
  return fail(peek().offset, "expected the end of the tag, found " + describe(peek()));
}

bool Parser::expectIdentifier(std::string &name) {
  if (peek().kind != TokenKind::Name)
    return fail(peek().offset, "expected a name, found " + describe(peek()));
  name = next().text;
  return true;
}

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

/// Statements up to {% end %} with a name in `ends`, which stays; without ends, up to the end of the template.
bool Parser::parseBlock(Block &block, llvm::ArrayRef<StringRef> ends, size_t opener) {
  Nesting nesting(*this);
  if (depth > MaxDepth)
    return fail(peek().offset, "nested deeper than " + Twine(MaxDepth) + " levels", true);
  for (;;) {
    if (failure)
      return false;
    parts = 0;
    const Token &token = peek();
    auto statement = std::make_unique<Statement>();
    statement->offset = token.offset;
    switch (token.kind) {
    case TokenKind::End:
      if (ends.empty())
        return true;
      return fail(opener, "the statement that begins here has no {% " + ends.back() + " %}");
    case TokenKind::Text:
      statement->kind = StatementKind::Text;
      statement->name = next().text;
      block.push_back(std::move(statement));
      break;
    case TokenKind::ExpressionBegin:
      next();
      statement->kind = StatementKind::Output;
      if (!(statement->value = parseExpression()) || !expectEnd())
        return false;
      block.push_back(std::move(statement));
      break;
    default:
      if (llvm::any_of(ends, [&](StringRef end) { return peek(1).text == end; }))
        return true;
      if (!parseStatement(block))
        return false;
    }
  }
}

bool Parser::closeWith(StringRef name) {
  next(); // {%
  if (!takeName(name))
    return fail(peek().offset, "expected {% " + name + " %}, found " + describe(peek()));
  return expectEnd();
}

bool Parser::parseStatement(Block &block) {
  auto statement = std::make_unique<Statement>();
  statement->offset = next().offset;
  Token keyword = peek();
  bool done;
  if (takeName("if")) {
    done = parseIf(*statement);
  } else if (takeName("for")) {
    done = parseFor(*statement);
  } else if (takeName("set")) {
    done = parseSet(*statement);
  } else if (takeName("macro")) {
    done = parseMacro(*statement);
  } else if (takeName("with")) {
    done = parseWith(*statement);
  } else if (takeName("generation")) {
    statement->kind = StatementKind::Scope;
    done = expectEnd() && parseBlock(statement->body, {"endgeneration"}, keyword.offset) && closeWith("endgeneration");
  } else if (takeName("filter")) {
    // {% filter f %} … {% endfilter %} writes what {% set x | f %} … {% endset %} would store.
    statement->kind = StatementKind::SetBlock;
    at -= 1; // parseFilter skips a |, here the word filter
    statement->value = parseFilter(nullptr);
    while (statement->value && isOperator("|"))
      statement->value = parseFilter(std::move(statement->value));
    done = statement->value && expectEnd() && parseBlock(statement->body, {"endfilter"}, keyword.offset) &&
           closeWith("endfilter");
  } else if (takeName("break") || takeName("continue")) {
    statement->kind = keyword.text == "break" ? StatementKind::Break : StatementKind::Continue;
    done = expectEnd();
  } else if (StringRef(keyword.text).starts_with("end") || keyword.text == "else" || keyword.text == "elif") {
    return fail(keyword.offset, "{% " + keyword.text + " %} without its beginning");
  } else {
    return fail(keyword.offset,
                "the statement " + describe(keyword) + " is not supported; supported are if, for, set, macro, with, "
                "filter, raw, break, continue and generation", true);
  }
  if (!done)
    return false;
  block.push_back(std::move(statement));
  return true;
}

bool Parser::parseIf(Statement &statement) {
  // An elif is an if in the else-block of the one before; a loop keeps long chains off the stack.
  std::vector<Statement *> chain = {&statement};
  for (;;) {
    Statement &branch = *chain.back();
    branch.kind = StatementKind::If;
    if (!(branch.value = parseExpression()) || !expectEnd() ||
        !parseBlock(branch.body, {"elif", "else", "endif"}, branch.offset))
      return false;
    size_t offset = next().offset; // {%
    if (takeName("elif")) {
      branch.otherwise.push_back(std::make_unique<Statement>());
      branch.otherwise.back()->offset = offset;
      chain.push_back(branch.otherwise.back().get());
      if (chain.size() > MaxDepth)
        return fail(offset, "more than " + Twine(MaxDepth) + " elif in a row", true);
      continue;
    }
    if (takeName("else")) {
      if (!expectEnd() || !parseBlock(branch.otherwise, {"endif"}, branch.offset))
        return false;
      next(); // {%
    }
    next(); // endif
    return expectEnd();
  }
}

bool Parser::parseTargets(std::vector<std::string> &targets) {
  bool parenthesis = takeOperator("(");
  do {
    targets.emplace_back();
    if (!expectIdentifier(targets.back()))
      return false;
  } while (takeOperator(","));
  return !parenthesis || expectOperator(")");
}

bool Parser::parseFor(Statement &statement) {
  statement.kind = StatementKind::For;
  if (!parseTargets(statement.targets))
    return false;
  if (!takeName("in"))
    return fail(peek().offset, "expected 'in', found " + describe(peek()));
  if (!(statement.value = parseExpression(false)))
    return false;
  if (takeName("if") && !(statement.condition = parseExpression()))
    return false;
  if (isName("recursive"))
    return fail(peek().offset, "recursive loops are not supported", true);
  if (!expectEnd() || !parseBlock(statement.body, {"else", "endfor"}, statement.offset))
    return false;
  next(); // {%
  if (takeName("else")) {
    if (!expectEnd() || !parseBlock(statement.otherwise, {"endfor"}, statement.offset))
      return false;
    next(); // {%
  }
  next(); // endfor
  return expectEnd();
}

bool Parser::parseSet(Statement &statement) {
  statement.kind = StatementKind::Set;
  if (!parseTargets(statement.targets))
    return false;
  if (takeOperator(".")) {
    statement.kind = StatementKind::SetField;
    if (!expectIdentifier(statement.name))
      return false;
  }
  if (takeOperator("=")) {
    size_t offset = peek().offset;
    statement.value = parseExpression();
    if (statement.value && isOperator(",")) { // a tuple without parentheses
      ExpressionPtr list = make(ExpressionKind::List, offset, std::move(statement.value));
      while (takeOperator(",")) {
        list->children.push_back(parseExpression());
        if (!list->children.back())
          return false;
      }
      statement.value = std::move(list);
    }
    return statement.value && expectEnd();
  }
  if (statement.kind == StatementKind::SetField || statement.targets.size() != 1)
    return fail(peek().offset, "expected '=', found " + describe(peek()));
  statement.kind = StatementKind::SetBlock;
  while (isOperator("|"))
    if (!(statement.value = parseFilter(std::move(statement.value))))
      return false;
  return expectEnd() && parseBlock(statement.body, {"endset"}, statement.offset) && closeWith("endset");
}

bool Parser::parseMacro(Statement &statement) {
  statement.kind = StatementKind::Macro;
  if (!expectIdentifier(statement.name) || !expectOperator("("))
    return false;
  while (!isOperator(")")) {
    statement.targets.emplace_back();
    statement.defaults.emplace_back();
    if (!expectIdentifier(statement.targets.back()))
      return false;
    if (takeOperator("=") && !(statement.defaults.back() = parseExpression()))
      return false;
    if (statement.targets.size() > rt::chat::MaxArguments)
      return fail(statement.offset, "more than " + Twine(rt::chat::MaxArguments) + " parameters", true);
    if (!takeOperator(","))
      break;
  }
  return expectOperator(")") && expectEnd() && parseBlock(statement.body, {"endmacro"}, statement.offset) &&
         closeWith("endmacro");
}

bool Parser::parseWith(Statement &statement) {
  statement.kind = StatementKind::With;
  while (peek().kind == TokenKind::Name) {
    statement.targets.push_back(next().text);
    if (!expectOperator("="))
      return false;
    statement.defaults.push_back(parseExpression());
    if (!statement.defaults.back())
      return false;
    if (!takeOperator(","))
      break;
  }
  return expectEnd() && parseBlock(statement.body, {"endwith"}, statement.offset) && closeWith("endwith");
}

llvm::Expected<Block> jinja::parse(StringRef source) {
  auto tokens = tokenize(source);
  if (!tokens)
    return tokens.takeError();
  return Parser(source, std::move(*tokens)).run();
}
