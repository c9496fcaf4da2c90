//===- ChatBuiltinTable.cpp - Names of filters, tests and methods ---------===//
//
// See ChatBuiltinTable.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/ChatBuiltinTable.h"

#include "runtime/text/ChatProgram.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using namespace nibble::rt::chat;

template <typename Number>
static constexpr ChatBuiltin row(llvm::StringRef name, Number number, uint8_t least = 0, uint8_t count = 0,
                                 llvm::StringRef first = "", llvm::StringRef second = "", llvm::StringRef third = "") {
  return {name, static_cast<uint8_t>(number), least, count, {first, second, third}};
}

llvm::ArrayRef<ChatBuiltin> nibble::chatFilters() {
  static constexpr ChatBuiltin table[] = {
      row("capitalize", Filter::Capitalize),
      row("count", Filter::Length),
      row("d", Filter::Default, 0, 2, "default_value", "boolean"),
      row("default", Filter::Default, 0, 2, "default_value", "boolean"),
      row("dictsort", Filter::DictSort),
      row("first", Filter::First),
      row("indent", Filter::Indent, 0, 2, "width", "first"),
      row("int", Filter::Int),
      row("items", Filter::Items),
      row("join", Filter::Join, 0, 1, "d"),
      row("last", Filter::Last),
      row("length", Filter::Length),
      row("list", Filter::List),
      row("lower", Filter::Lower),
      row("map", Filter::MapAttribute, 1, 1, "attribute"),
      row("rejectattr", Filter::RejectAttr, 1, 3),
      row("replace", Filter::Replace, 2, 2, "old", "new"),
      row("reverse", Filter::Reverse),
      row("safe", Filter::Safe),
      row("selectattr", Filter::SelectAttr, 1, 3),
      row("string", Filter::String),
      row("title", Filter::Title),
      row("tojson", Filter::ToJson, 0, 2, "ensure_ascii", "indent"),
      row("trim", Filter::Trim, 0, 1, "chars"),
      row("upper", Filter::Upper),
  };
  return table;
}

llvm::ArrayRef<ChatBuiltin> nibble::chatTests() {
  static constexpr ChatBuiltin table[] = {
      row("!=", Test::NotEqual, 1, 1),      row("==", Test::Equal, 1, 1),
      row("boolean", Test::Boolean),        row("callable", Test::Callable),
      row("defined", Test::Defined),        row("divisibleby", Test::DivisibleBy, 1, 1),
      row("eq", Test::Equal, 1, 1),         row("equalto", Test::Equal, 1, 1),
      row("even", Test::Even),              row("false", Test::False),
      row("in", Test::In, 1, 1),            row("iterable", Test::Iterable),
      row("mapping", Test::Mapping),        row("ne", Test::NotEqual, 1, 1),
      row("none", Test::None),              row("number", Test::Number),
      row("odd", Test::Odd),                row("sequence", Test::Sequence),
      row("string", Test::String),          row("true", Test::True),
      row("undefined", Test::Undefined),
  };
  return table;
}

llvm::ArrayRef<ChatBuiltin> nibble::chatMethods() {
  static constexpr ChatBuiltin table[] = {
      row("capitalize", Method::Capitalize),
      row("count", Method::Count, 1, 1),
      row("endswith", Method::EndsWith, 1, 1),
      row("find", Method::Find, 1, 1),
      row("get", Method::Get, 1, 2),
      row("items", Method::Items),
      row("join", Method::Join, 1, 1),
      row("keys", Method::Keys),
      row("lower", Method::Lower),
      row("lstrip", Method::LStrip, 0, 1),
      row("replace", Method::Replace, 2, 2),
      row("rstrip", Method::RStrip, 0, 1),
      row("split", Method::Split, 0, 2, "sep", "maxsplit"),
      row("startswith", Method::StartsWith, 1, 1),
      row("strip", Method::Strip, 0, 1),
      row("title", Method::Title),
      row("upper", Method::Upper),
      row("values", Method::Values),
  };
  return table;
}

llvm::ArrayRef<ChatBuiltin> nibble::chatFunctions() {
  static constexpr ChatBuiltin table[] = {
      row("raise_exception", Function::RaiseException, 1, 1, "message"),
      row("range", Function::Range, 1, 3),
      row("strftime_now", Function::StrftimeNow, 1, 1, "format"),
  };
  return table;
}

const ChatBuiltin *nibble::findBuiltin(llvm::ArrayRef<ChatBuiltin> table, llvm::StringRef name) {
  const auto *found = llvm::find_if(table, [&](const ChatBuiltin &row) { return row.name == name; });
  return found == table.end() ? nullptr : found;
}

std::string nibble::listBuiltins(llvm::ArrayRef<ChatBuiltin> table) {
  std::string list;
  for (const ChatBuiltin &row : table)
    list += (list.empty() ? "" : ", ") + row.name.str();
  return list;
}
