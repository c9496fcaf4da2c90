//===- JinjaParser.cpp - From tokens to statements ------------------------===//
//
// See JinjaParser.h and JinjaParserImpl.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/JinjaParser.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/JinjaParserImpl.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using namespace nibble::jinja;
using llvm::StringRef;
using llvm::Twine;

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
