//===- WeightRules.cpp - which weight gets which format ------------------===//
//
// See WeightRules.h for the grammar.
//
//===----------------------------------------------------------------------===//
#include "compiler/Simplify/WeightRules.h"

#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using nibble::lowbit::FormatText;
using nibble::lowbit::TextError;

namespace nibble {

bool WeightRule::matches(StringRef tensor) const {
  if (pattern.empty())
    return true;
  // Made here, because a pattern points into its text; parse() has seen that it is one.
  llvm::GlobPattern glob = llvm::cantFail(llvm::GlobPattern::create(pattern));
  for (StringRef rest = tensor;;) {
    StringRef bare = rest;
    if (glob.match(rest) || (bare.consume_back(".weight") && glob.match(bare)))
      return true;
    size_t dot = rest.find('.');
    if (dot == StringRef::npos || rest.drop_front(dot + 1) == "weight")
      return false;
    rest = rest.drop_front(dot + 1);
  }
}

const WeightRule *WeightRules::ruleFor(StringRef tensor) const {
  const WeightRule *found = nullptr;
  for (const WeightRule &rule : list)
    if (rule.matches(tensor))
      found = &rule;
  return found;
}

/// The end of the entry that starts at `start`: a comma outside of brackets, or the end of the text.
static size_t endOfEntry(StringRef text, size_t start) {
  int depth = 0;
  for (size_t i = start; i < text.size(); ++i) {
    if (StringRef("[<(").contains(text[i]))
      ++depth;
    else if (StringRef("]>)").contains(text[i]))
      --depth;
    else if (text[i] == ',' && depth <= 0)
      return i;
  }
  return text.size();
}

/// The `=` behind a pattern: one that stands before the format's own brackets.
static size_t endOfPattern(StringRef entry) {
  size_t equals = entry.find('=');
  return equals < entry.find_first_of("<") ? equals : StringRef::npos;
}

/// The text of a file without comments; line ends become spaces, so that columns count on.
static std::optional<std::string> readFormat(StringRef path, size_t column, TextError &error) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    error = {column, "cannot read '" + path.str() + "': " + buffer.getError().message()};
    return std::nullopt;
  }
  std::string text = (*buffer)->getBuffer().str();
  bool inComment = false;
  for (char &c : text) {
    inComment = c != '\n' && (inComment || c == '#');
    if (inComment || c == '\n' || c == '\r' || c == '\t')
      c = ' ';
  }
  return text;
}

/// The format of an entry, which lies at `column` of the list.
static std::optional<FormatText> parseFormat(StringRef text, size_t column, MLIRContext *context, TextError &error) {
  StringRef path = text.trim();
  if (!path.consume_front("@")) {
    auto format = FormatText::parse(text, context, error);
    error.column += column;
    return format;
  }
  std::optional<std::string> contents = readFormat(path, column, error);
  if (!contents)
    return std::nullopt;
  auto format = FormatText::parse(*contents, context, error);
  if (!format) {
    error.message = path.str() + ", byte " + std::to_string(error.column + 1) + ": " + error.message;
    error.column = column;
  }
  return format;
}

std::optional<WeightRules> WeightRules::parse(StringRef text, MLIRContext *context, TextError &error) {
  WeightRules rules;
  for (size_t start = 0; start <= text.size();) {
    size_t end = endOfEntry(text, start);
    StringRef entry = text.slice(start, end);
    size_t equals = endOfPattern(entry);
    std::string pattern = equals == StringRef::npos ? "" : entry.take_front(equals).trim().str();
    if (equals != StringRef::npos && pattern.empty()) {
      error = {start, "expected a tensor's name before '='"};
      return std::nullopt;
    }
    auto glob = llvm::GlobPattern::create(pattern);
    if (!glob) {
      error = {start, "'" + pattern + "' is no pattern: " + llvm::toString(glob.takeError())};
      return std::nullopt;
    }
    size_t skip = equals == StringRef::npos ? 0 : equals + 1;
    std::optional<FormatText> format = parseFormat(entry.drop_front(skip), start + skip, context, error);
    if (!format)
      return std::nullopt;
    rules.list.push_back({pattern, std::move(*format)});
    start = end + 1;
  }
  return rules;
}

} // namespace nibble
