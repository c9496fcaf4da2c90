//===- JinjaParserImpl.h - State of the template parser ---------*- C++ -*-===//
//
// The parser behind JinjaParser.h: statements are in JinjaParser.cpp, expressions
// in JinjaExpressionParser.cpp. A parse function that fails leaves the first error
// in `failure` and returns null (or false); callers return at once.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_JINJAPARSERIMPL_H
#define NIBBLE_COMPILER_IMPORT_TEXT_JINJAPARSERIMPL_H

#include "compiler/Import/Text/JinjaAST.h"
#include "compiler/Import/Text/JinjaLexer.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <optional>

namespace nibble::jinja {

/// Statements and expressions inside each other; real templates reach 12. Each level takes about 1 KiB of stack.
inline constexpr unsigned MaxDepth = 200;

/// Parts of one tag's expressions: a + b + c … is as deep as it is long. Real templates reach 60.
inline constexpr unsigned MaxParts = 4096;

/// What a parse function returns when it fails, be its result a node or a flag.
struct Failed {
  operator ExpressionPtr() const { return nullptr; }
  operator bool() const { return false; }
};

class Parser {
public:
  Parser(llvm::StringRef source, std::vector<Token> tokens) : source(source), tokens(std::move(tokens)) {}

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
  bool isOperator(llvm::StringRef text) const { return peek().kind == TokenKind::Operator && peek().text == text; }
  bool isName(llvm::StringRef text) const { return peek().kind == TokenKind::Name && peek().text == text; }
  bool takeOperator(llvm::StringRef text) { return isOperator(text) && (next(), true); }
  bool takeName(llvm::StringRef text) { return isName(text) && (next(), true); }
  Failed fail(size_t offset, const llvm::Twine &message, bool isUnsupported = false) {
    if (!failure)
      failure = Failure{offset, message.str(), isUnsupported};
    return {};
  }
  std::string describe(const Token &token) const;
  bool expectOperator(llvm::StringRef text) {
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
  ExpressionPtr parseSequence(llvm::StringRef close, ExpressionPtr list);
  ExpressionPtr parseDict(size_t offset);
  bool parseArguments(Expression &call);

  // Statements.
  bool parseBlock(Block &block, llvm::ArrayRef<llvm::StringRef> ends, size_t opener);
  bool parseStatement(Block &block);
  bool parseIf(Statement &statement);
  bool parseFor(Statement &statement);
  bool parseSet(Statement &statement);
  bool parseMacro(Statement &statement);
  bool parseWith(Statement &statement);
  bool parseTargets(std::vector<std::string> &targets);
  bool closeWith(llvm::StringRef name);

  llvm::StringRef source;
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

} // namespace nibble::jinja

#endif // NIBBLE_COMPILER_IMPORT_TEXT_JINJAPARSERIMPL_H
