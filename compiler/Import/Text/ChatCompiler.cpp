//===- ChatCompiler.cpp - Statements of a chat template -------------------===//
//
// See ChatCompiler.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/ChatCompiler.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/JinjaLexer.h"
#include "compiler/Import/Text/JinjaParser.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using namespace nibble::jinja;
using namespace nibble::rt::chat;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

Error Compiler::error(size_t offset, const Twine &message, bool isUnsupported) const {
  return templateError(source, offset, message, isUnsupported);
}

static void collectMacros(const Block &block, std::vector<const Statement *> &macros) {
  for (const auto &statement : block) {
    if (statement->kind == StatementKind::Macro)
      macros.push_back(statement.get());
    if (statement->kind == StatementKind::If) {
      collectMacros(statement->body, macros);
      collectMacros(statement->otherwise, macros);
    }
  }
}

Error Compiler::run(const Block &block) {
  std::vector<const Statement *> found;
  collectMacros(block, found);
  out.functions.emplace_back(0, 0, 0);
  for (const Statement *macro : found) {
    if (!macros.try_emplace(macro->name, Macro{macro, out.functions.size()}).second)
      return error(macro->offset, "the macro " + quote(macro->name) + " is defined twice");
    out.functions.emplace_back(0, 0, 0);
  }
  openScope(block, {});
  if (Error error = compile(block))
    return error;
  out.add(Opcode::Return, 0);
  out.functions[0] = schema::ChatFunction(0, 0, static_cast<uint16_t>(slots));
  // A macro may be called anywhere, so it can't know what the template's variables hold.
  rootScope = std::move(scopes.back());
  scopes.clear();
  for (auto &[name, variable] : *rootScope)
    variable.known = Known::Nothing;
  for (const auto &[name, macro] : macros)
    if (Error error = compileMacro(macro))
      return error;
  if (out.here() > (1u << 24) || slots > 65535)
    return error(0, "the template is too large");
  out.namespaceNames = fields.size();
  return Error::success();
}

Error Compiler::compileMacro(const Macro &macro) {
  const Statement &statement = *macro.statement;
  size_t entry = out.here();
  out.line = positionOf(source, statement.offset).line;
  out.stack = 0;
  slots = 0;
  scopes.emplace_back();
  for (const std::string &parameter : statement.targets)
    define(parameter);
  for (auto [parameter, value] : llvm::zip(statement.targets, statement.defaults)) {
    if (!value)
      continue;
    loadName(parameter);
    out.add(Opcode::Test, 0, static_cast<int>(Test::Undefined));
    size_t given = out.add(Opcode::JumpIfFalse, -1);
    if (Error error = compile(*value))
      return error;
    store(parameter, Known::Nothing);
    out.patch(given);
  }
  openScope(statement.body, {});
  // A parameter that the body assigns has begun as a copy of itself.
  if (Error error = compile(statement.body))
    return error;
  scopes.clear();
  out.add(Opcode::Return, 0);
  out.functions[macro.function] = schema::ChatFunction(
      static_cast<uint32_t>(entry), static_cast<uint16_t>(statement.targets.size()), static_cast<uint16_t>(slots));
  return Error::success();
}

Error Compiler::compile(const Block &block) {
  for (const auto &statement : block)
    if (Error error = compile(*statement))
      return error;
  return Error::success();
}

Error Compiler::compile(const Statement &statement) {
  out.line = positionOf(source, statement.offset).line;
  switch (statement.kind) {
  case StatementKind::Text:
    out.add(Opcode::EmitString, 0, static_cast<int64_t>(out.string(statement.name)));
    return Error::success();
  case StatementKind::Output:
    if (statement.value->kind == ExpressionKind::String) {
      out.add(Opcode::EmitString, 0, static_cast<int64_t>(out.string(statement.value->name)));
      return Error::success();
    }
    out.add(Opcode::Statement, 0);
    if (Error error = compile(*statement.value))
      return error;
    out.add(Opcode::Emit, -1);
    return Error::success();
  case StatementKind::If:
    return compileIf(statement);
  case StatementKind::For:
    return compileFor(statement);
  case StatementKind::Set:
  case StatementKind::SetField:
    return compileSet(statement);
  case StatementKind::SetBlock:
    return compileCapture(statement);
  case StatementKind::Macro:
    if (scopes.size() != 1 || rootScope)
      return error(statement.offset, "a macro inside a loop, a macro or a block is not supported");
    return Error::success();
  case StatementKind::Scope: {
    openScope(statement.body, {});
    Error error = compile(statement.body);
    scopes.pop_back();
    return error;
  }
  case StatementKind::With:
    return compileWith(statement);
  case StatementKind::Break:
  case StatementKind::Continue:
    return compileJump(statement);
  }
  llvm_unreachable("all statements are handled");
}

/// What is known at the ends of the branches of an if.
struct Compiler::Branches {
  unsigned count = 0;
  /// (scope, variable) → before the if, and at the end of each branch that changed it.
  std::map<std::pair<size_t, std::string>, std::pair<Known, std::vector<Known>>> changed;
};

/// Compiles one branch, and forgets what it taught.
Error Compiler::compileBranch(const Block &block, Branches &branches) {
  size_t begin = changes.size();
  if (Error error = compile(block))
    return error;
  ++branches.count;
  std::set<std::pair<size_t, std::string>> seen;
  for (size_t i = begin; i < changes.size(); ++i) {
    const auto &[scope, name, before] = changes[i];
    // Scopes inside the branch are gone.
    if (scope >= scopes.size() || !seen.insert({scope, name}).second)
      continue;
    auto &[first, ends] = branches.changed.try_emplace({scope, name}, before, std::vector<Known>()).first->second;
    ends.push_back(scopes[scope].at(name).known);
    scopes[scope].at(name).known = before;
  }
  changes.resize(begin);
  return Error::success();
}

/// Behind the if, that is known on which all branches agree.
void Compiler::join(const Branches &branches) {
  for (const auto &[variable, values] : branches.changed) {
    const auto &[before, ends] = values;
    Known joined = ends.size() == branches.count ? ends[0] : before;
    bool agree = llvm::all_of(ends, [&](Known end) { return end == joined; });
    learn(variable.first, variable.second, agree ? joined : Known::Nothing);
  }
}

/// Only the branches that can be reached are compiled.
Error Compiler::compileIf(const Statement &statement) {
  // The chain of elif is walked in a loop: each is the only statement of the else before it.
  std::vector<size_t> ends;
  Branches branches;
  for (const Statement *branch = &statement;;) {
    std::optional<bool> certain = truth(*branch->value);
    if (certain && *certain) {
      if (Error error = compileBranch(branch->body, branches))
        return error;
      break;
    }
    if (!certain) {
      out.line = positionOf(source, branch->offset).line;
      out.add(Opcode::Statement, 0);
      if (Error error = compile(*branch->value))
        return error;
      if (neverTrue(*branch->value, [this](StringRef name) { return known(name); })) {
        out.add(Opcode::Pop, -1); // evaluated for the error that it may raise
      } else {
        size_t jump = out.add(Opcode::JumpIfFalse, -1, 0, 1);
        if (Error error = compileBranch(branch->body, branches))
          return error;
        if (!branch->otherwise.empty())
          ends.push_back(out.add(Opcode::Jump, 0));
        out.patch(jump);
      }
    }
    if (branch->otherwise.size() == 1 && branch->otherwise[0]->kind == StatementKind::If) {
      branch = branch->otherwise[0].get();
      continue;
    }
    if (Error error = compileBranch(branch->otherwise, branches))
      return error;
    break;
  }
  join(branches);
  for (size_t end : ends)
    out.patch(end);
  return Error::success();
}

/// Pops the value of an assignment or of an element into the targets.
Error Compiler::storeTargets(const Statement &statement, Known value) {
  if (statement.targets.size() == 1) {
    store(statement.targets[0], value);
    return Error::success();
  }
  auto count = static_cast<int>(statement.targets.size());
  out.add(Opcode::Unpack, count - 1, count);
  for (const std::string &name : llvm::reverse(statement.targets))
    store(name, Known::Nothing);
  return Error::success();
}

/// for x in y if c: the elements that fulfil c become a list, so that loop.last and its like count only them.
Error Compiler::compileCollect(const Statement &statement) {
  Known element = knowledge(*statement.value) == Known::Messages ? Known::Message : Known::Nothing;
  out.add(Opcode::CollectBegin, 1);
  size_t begin = out.add(Opcode::ForBegin, -1);
  size_t body = out.here();
  scopes.emplace_back();
  for (const std::string &name : statement.targets)
    define(name);
  out.add(Opcode::ForItem, 1);
  if (Error error = storeTargets(statement, element))
    return error;
  if (Error error = compile(*statement.condition))
    return error;
  size_t skip = out.add(Opcode::JumpIfFalse, -1);
  out.add(Opcode::ForItem, 1);
  out.add(Opcode::CollectItem, -1);
  out.patch(skip);
  out.add(Opcode::ForNext, 0, static_cast<int64_t>(body));
  out.patch(begin);
  scopes.pop_back();
  return Error::success();
}

Error Compiler::compileFor(const Statement &statement) {
  if (loops.size() == MaxLoops)
    return error(statement.offset, "more than " + Twine(MaxLoops) + " loops inside each other");
  Known list = knowledge(*statement.value);
  if (list == Known::Undefined) {
    openScope(statement.otherwise, {});
    Error error = compile(statement.otherwise);
    scopes.pop_back();
    return error;
  }
  if (Error error = compile(*statement.value))
    return error;
  if (statement.condition)
    if (Error error = compileCollect(statement))
      return error;

  size_t begin = out.add(Opcode::ForBegin, -1);
  size_t body = out.here();
  loops.push_back({{}, {}, captures});
  openScope(statement.body, statement.targets);
  out.add(Opcode::ForItem, 1);
  if (Error error = storeTargets(statement, list == Known::Messages ? Known::Message : Known::Nothing))
    return error;
  if (Error error = compile(statement.body))
    return error;
  scopes.pop_back();
  LoopLabels labels = std::move(loops.back());
  loops.pop_back();
  for (size_t jump : labels.continues)
    out.patch(jump);
  out.add(Opcode::ForNext, 0, static_cast<int64_t>(body));
  size_t end = out.add(Opcode::Jump, 0);
  out.patch(begin);
  openScope(statement.otherwise, {});
  if (Error error = compile(statement.otherwise))
    return error;
  scopes.pop_back();
  out.patch(end);
  for (size_t jump : labels.breaks)
    out.patch(jump);
  return Error::success();
}

Error Compiler::compileJump(const Statement &statement) {
  if (loops.empty())
    return error(statement.offset, "break or continue outside of a loop", false);
  LoopLabels &labels = loops.back();
  if (labels.captures != captures)
    return error(statement.offset, "break or continue out of a captured block is not supported");
  if (statement.kind == StatementKind::Break) {
    out.add(Opcode::ForEnd, 0);
    labels.breaks.push_back(out.add(Opcode::Jump, 0));
  } else {
    labels.continues.push_back(out.add(Opcode::Jump, 0));
  }
  return Error::success();
}

Error Compiler::compileSet(const Statement &statement) {
  if (statement.kind == StatementKind::Set) {
    Known value = knowledge(*statement.value);
    if (Error error = compile(*statement.value))
      return error;
    return storeTargets(statement, value);
  }
  loadName(statement.targets[0]);
  if (Error error = compile(*statement.value))
    return error;
  fields.insert(statement.name);
  out.add(Opcode::SetAttribute, -2, static_cast<int64_t>(out.string(statement.name)));
  return Error::success();
}

/// {% set x %} … {% endset %} and {% filter f %} … {% endfilter %}.
Error Compiler::compileCapture(const Statement &statement) {
  out.add(Opcode::BeginCapture, 0);
  ++captures;
  openScope(statement.body, {});
  if (Error error = compile(statement.body))
    return error;
  scopes.pop_back();
  --captures;
  out.add(Opcode::EndCapture, 1);
  if (statement.value)
    if (Error error = compile(*statement.value))
      return error;
  if (statement.targets.empty()) {
    // Values that the block stored in a namespace lie before this statement's temporaries.
    out.add(Opcode::Statement, 0);
    out.add(Opcode::Emit, -1);
    return Error::success();
  }
  return storeTargets(statement, Known::String);
}

Error Compiler::compileWith(const Statement &statement) {
  // The values see the outer variables.
  for (const ExpressionPtr &value : statement.defaults)
    if (Error error = compile(*value))
      return error;
  openScope(statement.body, statement.targets);
  for (const std::string &name : llvm::reverse(statement.targets))
    store(name, Known::Nothing);
  Error error = compile(statement.body);
  scopes.pop_back();
  return error;
}

//===----------------------------------------------------------------------===//

/// Real templates have up to 30 KB.
static constexpr size_t MaxTemplateBytes = 1 << 20;

ChatTokens nibble::chatTokensOf(const TokenizerSource &source) {
  auto name = [&](int32_t id) -> std::optional<std::string> {
    if (id < 0 || static_cast<size_t>(id) >= source.tokens.size())
      return std::nullopt;
    return source.tokens[static_cast<size_t>(id)];
  };
  return {name(source.bos), name(source.eos), name(source.unk), name(source.pad)};
}

llvm::Expected<flatbuffers::Offset<schema::ChatTemplate>>
nibble::buildChatTemplate(StringRef source, const ChatTokens &tokens, flatbuffers::FlatBufferBuilder &builder) {
  if (source.size() > MaxTemplateBytes)
    return unsupported("the chat template has " + Twine(source.size()) + " bytes; supported are " +
                       Twine(MaxTemplateBytes));
  std::string text = normalizeSource(source);
  auto block = parse(text);
  if (!block)
    return block.takeError();
  Compiler compiler(text, tokens);
  if (Error error = compiler.run(*block))
    return std::move(error);
  return compiler.program().write(builder);
}

llvm::Expected<std::vector<uint8_t>> nibble::buildChatTemplate(StringRef source, const ChatTokens &tokens) {
  flatbuffers::FlatBufferBuilder builder;
  auto table = buildChatTemplate(source, tokens, builder);
  if (!table)
    return table.takeError();
  builder.Finish(*table);
  return std::vector<uint8_t>(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
}
