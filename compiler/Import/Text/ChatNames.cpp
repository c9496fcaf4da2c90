//===- ChatNames.cpp - Names and scopes of a chat template ----------------===//
//
// See ChatCompiler.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/ChatCompiler.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using namespace nibble::jinja;
using namespace nibble::rt::chat;
using llvm::StringRef;

/// Names that `block` assigns, outside of the scopes inside it.
static void collectAssigned(const Block &block, std::vector<std::string> &names) {
  for (const auto &statement : block) {
    if (statement->kind == StatementKind::Set || statement->kind == StatementKind::SetBlock)
      names.insert(names.end(), statement->targets.begin(), statement->targets.end());
    if (statement->kind == StatementKind::If) {
      collectAssigned(statement->body, names);
      collectAssigned(statement->otherwise, names);
    }
  }
}

/// The variable of `name` that is visible here; `isOuter` if it is the template's, seen from a macro.
Compiler::Variable *Compiler::find(StringRef name, bool &isOuter) {
  isOuter = false;
  for (Scope &scope : llvm::reverse(scopes))
    if (auto found = scope.find(name.str()); found != scope.end())
      return &found->second;
  isOuter = true;
  if (rootScope)
    if (auto found = rootScope->find(name.str()); found != rootScope->end())
      return &found->second;
  return nullptr;
}

Known Compiler::known(StringRef name) {
  bool isOuter;
  if (Variable *variable = find(name, isOuter))
    return variable->known;
  if (macros.count(name.str()) || findBuiltin(chatFunctions(), name) || name == "namespace" || name == "dict")
    return Known::True; // functions are defined, and true in a condition
  if (name == "messages")
    return Known::Messages;
  if (name == "tools" || name == "documents")
    return Known::None;
  if (name == "add_generation_prompt" || name == "enable_thinking" || name == "loop")
    return Known::Nothing;
  for (auto [token, text] : {std::pair("bos_token", &tokens.bos), std::pair("eos_token", &tokens.eos),
                             std::pair("unk_token", &tokens.unk), std::pair("pad_token", &tokens.pad)})
    if (name == token)
      return *text ? Known::String : Known::Undefined;
  return Known::Undefined;
}

unsigned Compiler::define(StringRef name, Known known) {
  scopes.back().insert_or_assign(name.str(), Variable{slots, known});
  return slots++;
}

/// Pushes what `name` means outside of all scopes; false if that is undefined.
bool Compiler::loadContext(StringRef name) {
  std::optional<Global> global;
  if (name == "messages")
    global = Global::Messages;
  else if (name == "add_generation_prompt")
    global = Global::AddGenerationPrompt;
  else if (name == "enable_thinking")
    global = Global::EnableThinking;
  if (global) {
    out.add(Opcode::Global, 1, static_cast<int>(*global));
    return true;
  }
  if (name == "tools" || name == "documents") {
    out.add(Opcode::None, 1);
    return true;
  }
  for (auto [token, text] : {std::pair("bos_token", &tokens.bos), std::pair("eos_token", &tokens.eos),
                             std::pair("unk_token", &tokens.unk), std::pair("pad_token", &tokens.pad)})
    if (name == token && *text) {
      out.add(Opcode::String, 1, static_cast<int64_t>(out.string(**text)));
      return true;
    }
  return false;
}

void Compiler::loadName(StringRef name) {
  bool isOuter;
  if (Variable *variable = find(name, isOuter))
    out.add(Opcode::Load, 1, variable->slot, isOuter);
  else if (!loadContext(name))
    out.add(Opcode::Undefined, 1);
}

/// A scope whose variables begin with the outer values. Targets are set by the caller.
void Compiler::openScope(const Block &body, llvm::ArrayRef<std::string> targets) {
  std::vector<std::string> assigned;
  collectAssigned(body, assigned);
  Scope variables;
  for (const std::string &name : assigned) {
    if (llvm::is_contained(targets, name) || variables.count(name))
      continue;
    variables[name] = {slots, known(name)};
    loadName(name);
    out.add(Opcode::Store, -1, slots++);
  }
  scopes.push_back(std::move(variables));
  for (const std::string &name : targets)
    define(name);
}

void Compiler::learn(size_t scope, const std::string &name, Known value) {
  Known &now = scopes[scope].at(name).known;
  changes.push_back({scope, name, now});
  now = value;
}

/// Pops a value into `name`, which the running scope has.
void Compiler::store(StringRef name, Known value) {
  if (!scopes.back().count(name.str()))
    define(name);
  learn(scopes.size() - 1, name.str(), value);
  out.add(Opcode::Store, -1, scopes.back().at(name.str()).slot);
}
