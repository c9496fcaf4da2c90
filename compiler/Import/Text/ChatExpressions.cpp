//===- ChatExpressions.cpp - Expressions of a chat template ---------------===//
//
// See ChatCompiler.h. Every expression leaves one value on the stack. Recursion is
// as deep as the parser allowed.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/ChatCompiler.h"

#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace nibble;
using namespace nibble::jinja;
using namespace nibble::rt::chat;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

Error Compiler::compileAll(llvm::ArrayRef<ExpressionPtr> expressions) {
  for (const ExpressionPtr &expression : expressions) {
    if (!expression)
      out.add(Opcode::None, 1); // a bound of a slice that is left out
    else if (Error error = compile(*expression))
      return error;
  }
  return Error::success();
}

Error Compiler::compile(const Expression &e) {
  auto count = static_cast<int>(e.children.size());
  switch (e.kind) {
  case ExpressionKind::None:
    out.add(Opcode::None, 1);
    return Error::success();
  case ExpressionKind::Boolean:
    out.add(Opcode::Boolean, 1, e.integer);
    return Error::success();
  case ExpressionKind::Integer:
    out.add(Opcode::Integer, 1, static_cast<int64_t>(out.integer(e.integer)));
    return Error::success();
  case ExpressionKind::String:
    out.add(Opcode::String, 1, static_cast<int64_t>(out.string(e.name)));
    return Error::success();
  case ExpressionKind::Name:
    return compileName(e);
  case ExpressionKind::Attribute:
    return compileAttribute(e);
  case ExpressionKind::And:
  case ExpressionKind::Or:
    return compileLogic(e);
  case ExpressionKind::Conditional:
    return compileConditional(e);
  case ExpressionKind::Filter:
    return compileFilter(e);
  case ExpressionKind::Test:
    return compileTest(e);
  case ExpressionKind::Call:
    return compileCall(e);
  default:
    break;
  }
  if (Error error = compileAll(e.children))
    return error;
  switch (e.kind) {
  case ExpressionKind::Item:
    out.add(Opcode::Item, -1);
    break;
  case ExpressionKind::Slice:
    out.add(Opcode::Slice, -3);
    break;
  case ExpressionKind::Binary:
    out.add(Opcode::Binary, -1, static_cast<int>(e.op));
    break;
  case ExpressionKind::Not:
    out.add(Opcode::Not, 0);
    break;
  case ExpressionKind::Negate:
    out.add(Opcode::Negate, 0);
    break;
  case ExpressionKind::List:
    out.add(Opcode::List, 1 - count, count);
    break;
  default:
    out.add(Opcode::Dict, 1 - count, count / 2);
    break;
  }
  return Error::success();
}

Error Compiler::compileName(const Expression &name) {
  bool isOuter;
  if (!find(name.name, isOuter)) {
    if (name.name == "loop")
      return error(name.offset, "'loop' by itself is not supported; its attributes are, inside a loop");
    if (macros.count(name.name) || findBuiltin(chatFunctions(), name.name) || name.name == "namespace")
      return error(name.offset, quote(name.name) + " as a value is not supported; it can be called");
  }
  loadName(name.name);
  return Error::success();
}

Error Compiler::compileAttribute(const Expression &attribute) {
  const Expression &object = *attribute.children[0];
  bool isOuter;
  if (object.kind != ExpressionKind::Name || object.name != "loop" || find("loop", isOuter)) {
    if (Error error = compile(object))
      return error;
    out.add(Opcode::Attribute, 0, static_cast<int64_t>(out.string(attribute.name)));
    return Error::success();
  }
  if (loops.empty())
    return error(attribute.offset, "'loop' outside of a loop", false);
  auto number = llvm::StringSwitch<std::optional<LoopAttribute>>(attribute.name)
                    .Case("index", LoopAttribute::Index)
                    .Case("index0", LoopAttribute::Index0)
                    .Case("revindex", LoopAttribute::RevIndex)
                    .Case("revindex0", LoopAttribute::RevIndex0)
                    .Case("first", LoopAttribute::First)
                    .Case("last", LoopAttribute::Last)
                    .Case("length", LoopAttribute::Length)
                    .Case("previtem", LoopAttribute::PreviousItem)
                    .Case("nextitem", LoopAttribute::NextItem)
                    .Default(std::nullopt);
  if (!number)
    return error(attribute.offset, "loop." + attribute.name + " is not supported; supported are index, index0, "
                                   "revindex, revindex0, first, last, length, previtem and nextitem");
  out.add(Opcode::ForAttribute, 1, 0, static_cast<unsigned>(*number));
  return Error::success();
}

/// x and y, x or y. Where x is known, the other side may be out of reach.
Error Compiler::compileLogic(const Expression &e) {
  bool isOr = e.kind == ExpressionKind::Or;
  if (auto left = truth(*e.children[0]))
    return compile(*e.children[*left == isOr ? 0 : 1]);
  if (Error error = compile(*e.children[0]))
    return error;
  size_t jump = out.add(isOr ? Opcode::OrJump : Opcode::AndJump, -1);
  if (Error error = compile(*e.children[1]))
    return error;
  out.patch(jump);
  return Error::success();
}

Error Compiler::compileConditional(const Expression &e) {
  auto otherwise = [&]() -> Error {
    if (e.children[2])
      return compile(*e.children[2]);
    out.add(Opcode::Undefined, 1);
    return Error::success();
  };
  if (auto certain = truth(*e.children[1]))
    return *certain ? compile(*e.children[0]) : otherwise();
  if (Error error = compile(*e.children[1]))
    return error;
  size_t toElse = out.add(Opcode::JumpIfFalse, -1);
  if (Error error = compile(*e.children[0]))
    return error;
  size_t toEnd = out.add(Opcode::Jump, -1); // the other branch begins without this one's value
  out.patch(toElse);
  if (Error error = otherwise())
    return error;
  out.patch(toEnd);
  return Error::success();
}

/// Pushes the arguments of a filter, method or function in the order of its parameters. Those in the middle that
/// are left out are undefined; `count` is how many there are up to the last one given.
Error Compiler::compileArguments(const Expression &call, const ChatBuiltin &row, unsigned &count) {
  const Expression *given[3] = {};
  for (auto [index, argument, name] : llvm::enumerate(call.arguments, call.argumentNames)) {
    size_t at = index;
    if (!name.empty())
      at = static_cast<size_t>(llvm::find(row.parameters, StringRef(name)) - row.parameters);
    if (at >= row.count || given[at])
      return error(argument->offset, "'" + row.name + "' does not take " +
                                         (name.empty() ? "so many arguments" : "the argument " + quote(name)));
    given[at] = argument.get();
  }
  count = 0;
  for (unsigned i = 0; i < 3; ++i)
    if (given[i])
      count = i + 1;
  if (count < row.least)
    return error(call.offset, "'" + row.name + "' takes at least " + Twine(unsigned(row.least)) + " arguments", false);
  for (unsigned i = 0; i < count; ++i) {
    if (!given[i])
      out.add(Opcode::Undefined, 1);
    else if (Error error = compile(*given[i]))
      return error;
  }
  return Error::success();
}

Error Compiler::compileFilter(const Expression &filter) {
  const ChatBuiltin *row = findBuiltin(chatFilters(), filter.name);
  if (!row)
    return error(filter.offset, "the filter " + quote(filter.name) + " is not supported; supported are " +
                                    listBuiltins(chatFilters()));
  // Without a child the value is a captured block, which is on the stack.
  if (!filter.children.empty())
    if (Error error = compile(*filter.children[0]))
      return error;
  auto number = static_cast<Filter>(row->number);
  if (number == Filter::SelectAttr || number == Filter::RejectAttr)
    return compileSelect(filter, *row);
  if (number == Filter::ToJson)
    return compileToJson(filter);
  if (number == Filter::MapAttribute && (filter.argumentNames.size() != 1 || filter.argumentNames[0] != "attribute"))
    return compileMap(filter);
  unsigned count;
  if (Error error = compileArguments(filter, *row, count))
    return error;
  out.add(Opcode::Filter, -static_cast<int>(count), row->number, count);
  return Error::success();
}

/// map('filter'): the filter's name becomes its number. Filters that map or select themselves would nest without end.
Error Compiler::compileMap(const Expression &filter) {
  const ChatBuiltin *row = nullptr;
  if (filter.arguments.size() == 1 && filter.arguments[0]->kind == ExpressionKind::String)
    row = findBuiltin(chatFilters(), filter.arguments[0]->name);
  if (!row || row->least > 0 || row->name == "default" || row->name == "d")
    return error(filter.offset, "'map' is supported as map(attribute=…) and map('filter') with a filter that takes no "
                                "arguments");
  out.add(Opcode::Integer, 1, static_cast<int64_t>(out.integer(row->number)));
  out.add(Opcode::Filter, -1, static_cast<int>(Filter::MapFilter), 1);
  return Error::success();
}

/// selectattr(name [, test [, value]]): the test's name becomes its number.
Error Compiler::compileSelect(const Expression &filter, const ChatBuiltin &row) {
  if (llvm::any_of(filter.argumentNames, [](const std::string &name) { return !name.empty(); }))
    return error(filter.offset, "'" + row.name + "' takes no arguments with names");
  size_t count = filter.arguments.size();
  if (count < 1 || count > 3)
    return error(filter.offset, "'" + row.name + "' takes 1 to 3 arguments");
  if (Error error = compile(*filter.arguments[0]))
    return error;
  if (count > 1) {
    const Expression &name = *filter.arguments[1];
    const ChatBuiltin *test = name.kind == ExpressionKind::String ? findBuiltin(chatTests(), name.name) : nullptr;
    if (!test || test->count != count - 2)
      return error(name.offset, "expected the name of a test with " + Twine(count - 2) + " arguments; tests are " +
                                    listBuiltins(chatTests()));
    out.add(Opcode::Integer, 1, static_cast<int64_t>(out.integer(test->number)));
  }
  if (count > 2)
    if (Error error = compile(*filter.arguments[2]))
      return error;
  out.add(Opcode::Filter, -static_cast<int>(count), row.number, static_cast<unsigned>(count));
  return Error::success();
}

/// tojson(ensure_ascii=false, indent=n): the runtime takes the indent alone.
Error Compiler::compileToJson(const Expression &filter) {
  unsigned count = 0;
  for (auto [index, argument, name] : llvm::enumerate(filter.arguments, filter.argumentNames)) {
    bool isAscii = name == "ensure_ascii" || (name.empty() && index == 0);
    if (isAscii && argument->kind == ExpressionKind::Boolean && !argument->integer)
      continue;
    if (isAscii || (name != "indent" && !(name.empty() && index == 1)) || count > 0)
      return error(argument->offset, "'tojson' is supported with indent=… and ensure_ascii=false only");
    if (Error error = compile(*argument))
      return error;
    count = 1;
  }
  out.add(Opcode::Filter, -static_cast<int>(count), static_cast<int>(Filter::ToJson), count);
  return Error::success();
}

Error Compiler::compileTest(const Expression &test) {
  const ChatBuiltin *row = findBuiltin(chatTests(), test.name);
  if (!row)
    return error(test.offset, "the test " + quote(test.name) + " is not supported; supported are " +
                                  listBuiltins(chatTests()));
  Known certain = knowledge(test);
  if (certain == Known::True || certain == Known::False) {
    out.add(Opcode::Boolean, 1, certain == Known::True);
    return Error::success();
  }
  if (Error error = compile(*test.children[0]))
    return error;
  unsigned count;
  if (Error error = compileArguments(test, *row, count))
    return error;
  out.add(Opcode::Test, -static_cast<int>(count), row->number, count);
  if (test.integer)
    out.add(Opcode::Not, 0);
  return Error::success();
}

Error Compiler::compileCall(const Expression &call) {
  const Expression &callee = *call.children[0];
  if (callee.kind == ExpressionKind::Attribute) {
    const ChatBuiltin *row = findBuiltin(chatMethods(), callee.name);
    if (!row)
      return error(callee.offset, "the method " + quote(callee.name) + " is not supported; supported are " +
                                      listBuiltins(chatMethods()));
    if (Error error = compile(*callee.children[0]))
      return error;
    unsigned count;
    if (Error error = compileArguments(call, *row, count))
      return error;
    out.add(Opcode::Method, -static_cast<int>(count), row->number, count);
    return Error::success();
  }
  if (callee.kind != ExpressionKind::Name)
    return error(call.offset, "only names and methods can be called");
  if (callee.name == "namespace" || callee.name == "dict")
    return compileNamespace(call, callee.name == "dict");
  if (auto macro = macros.find(callee.name); macro != macros.end())
    return compileMacroCall(call, macro->second);
  const ChatBuiltin *row = findBuiltin(chatFunctions(), callee.name);
  if (!row)
    return error(callee.offset, "the function " + quote(callee.name) + " is not supported; supported are dict, "
                                "namespace, " + listBuiltins(chatFunctions()) + " and macros");
  unsigned count;
  if (Error error = compileArguments(call, *row, count))
    return error;
  out.usesTime |= static_cast<Function>(row->number) == Function::StrftimeNow;
  out.add(Opcode::Function, 1 - static_cast<int>(count), row->number, count);
  return Error::success();
}

Error Compiler::compileNamespace(const Expression &call, bool isDict) {
  for (auto [argument, name] : llvm::zip(call.arguments, call.argumentNames)) {
    if (name.empty())
      return error(argument->offset, "expected arguments with names");
    out.add(Opcode::String, 1, static_cast<int64_t>(out.string(name)));
    if (Error error = compile(*argument))
      return error;
  }
  auto count = static_cast<int>(call.arguments.size());
  out.add(isDict ? Opcode::Dict : Opcode::Namespace, 1 - 2 * count, count);
  return Error::success();
}

Error Compiler::compileMacroCall(const Expression &call, const Macro &macro) {
  const std::vector<std::string> &parameters = macro.statement->targets;
  std::vector<const Expression *> given(parameters.size());
  for (auto [index, argument, name] : llvm::enumerate(call.arguments, call.argumentNames)) {
    size_t at = name.empty() ? index : static_cast<size_t>(llvm::find(parameters, name) - parameters.begin());
    if (at >= given.size() || given[at])
      return error(argument->offset, "the macro " + quote(macro.statement->name) + " does not take this argument",
                   false);
    given[at] = argument.get();
  }
  for (const Expression *argument : given) {
    if (!argument)
      out.add(Opcode::Undefined, 1);
    else if (Error error = compile(*argument))
      return error;
  }
  auto count = static_cast<int>(given.size());
  out.add(Opcode::Call, 1 - count, static_cast<int64_t>(macro.function), static_cast<unsigned>(count));
  return Error::success();
}
