//===- ChatCompiler.h - From statements to instructions ---------*- C++ -*-===//
//
// Walks the parsed template. Scopes are jinja2's: if has none; for, macro, with and
// captured blocks have one, and what is assigned in a scope begins with the outer
// value and does not leak. ChatNames.cpp holds names and scopes, ChatCompiler.cpp
// statements, ChatExpressions.cpp expressions.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_CHATCOMPILER_H
#define NIBBLE_COMPILER_IMPORT_TEXT_CHATCOMPILER_H

#include "compiler/Import/Text/ChatBuiltinTable.h"
#include "compiler/Import/Text/ChatKnowledge.h"
#include "compiler/Import/Text/ChatProgramWriter.h"
#include "compiler/Import/Text/ChatTemplate.h"
#include "compiler/Import/Text/JinjaAST.h"

#include <map>
#include <set>

namespace nibble::jinja {

class Compiler {
public:
  Compiler(llvm::StringRef source, const ChatTokens &tokens) : source(source), tokens(tokens) {}

  llvm::Error run(const Block &block);
  const ProgramWriter &program() const { return out; }

private:
  struct Variable {
    unsigned slot;
    Known known;
  };
  using Scope = std::map<std::string, Variable>;
  /// A change of what is known, to be undone where branches meet.
  struct Change {
    size_t scope;
    std::string name;
    Known before;
  };
  struct LoopLabels {
    std::vector<size_t> breaks, continues;
    unsigned captures; ///< open where the loop began
  };
  struct Macro {
    const Statement *statement;
    size_t function;
  };

  // Names.
  Variable *find(llvm::StringRef name, bool &isOuter);
  Known known(llvm::StringRef name);
  unsigned define(llvm::StringRef name, Known known = Known::Nothing);
  void openScope(const Block &body, llvm::ArrayRef<std::string> targets);
  void loadName(llvm::StringRef name);
  bool loadContext(llvm::StringRef name);
  void store(llvm::StringRef name, Known known);
  void learn(size_t scope, const std::string &name, Known known);

  // Statements.
  llvm::Error compile(const Block &block);
  llvm::Error compile(const Statement &statement);
  llvm::Error compileIf(const Statement &statement);
  struct Branches;
  llvm::Error compileBranch(const Block &block, Branches &branches);
  void join(const Branches &branches);
  llvm::Error compileFor(const Statement &statement);
  llvm::Error compileCollect(const Statement &statement);
  llvm::Error compileSet(const Statement &statement);
  llvm::Error compileCapture(const Statement &statement);
  llvm::Error compileWith(const Statement &statement);
  llvm::Error compileJump(const Statement &statement);
  llvm::Error compileMacro(const Macro &macro);
  llvm::Error storeTargets(const Statement &statement, Known known);

  // Expressions.
  llvm::Error compile(const Expression &expression);
  llvm::Error compileName(const Expression &name);
  llvm::Error compileAttribute(const Expression &attribute);
  llvm::Error compileLogic(const Expression &expression);
  llvm::Error compileConditional(const Expression &expression);
  llvm::Error compileFilter(const Expression &filter);
  llvm::Error compileMap(const Expression &filter);
  llvm::Error compileSelect(const Expression &filter, const ChatBuiltin &row);
  llvm::Error compileToJson(const Expression &filter);
  llvm::Error compileTest(const Expression &test);
  llvm::Error compileCall(const Expression &call);
  llvm::Error compileNamespace(const Expression &call, bool isDict);
  llvm::Error compileMacroCall(const Expression &call, const Macro &macro);
  llvm::Error compileArguments(const Expression &call, const ChatBuiltin &row, unsigned &count);
  llvm::Error compileAll(llvm::ArrayRef<ExpressionPtr> expressions);

  llvm::Error error(size_t offset, const llvm::Twine &message, bool isUnsupported = true) const;
  std::optional<bool> truth(const Expression &expression) {
    return truthOf(expression, [this](llvm::StringRef name) { return known(name); });
  }
  Known knowledge(const Expression &expression) {
    return knownOf(expression, [this](llvm::StringRef name) { return known(name); });
  }

  llvm::StringRef source;
  const ChatTokens &tokens;
  ProgramWriter out;
  std::vector<Scope> scopes;      ///< of the running function, innermost last
  std::optional<Scope> rootScope; ///< of the template, while a macro is compiled
  std::vector<LoopLabels> loops;
  std::map<std::string, Macro> macros;
  std::set<std::string> fields; ///< set on namespaces
  std::vector<Change> changes;  ///< since the template's begin
  unsigned slots = 0;           ///< of the running function
  unsigned captures = 0;
};

} // namespace nibble::jinja

#endif // NIBBLE_COMPILER_IMPORT_TEXT_CHATCOMPILER_H
