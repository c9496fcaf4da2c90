//===- JinjaLexer.cpp - Tokens of a chat template -------------------------===//
//
// See JinjaLexer.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/JinjaLexer.h"

#include "compiler/Import/ImportError.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace nibble;
using namespace nibble::jinja;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

Position jinja::positionOf(StringRef source, size_t offset) {
  StringRef before = source.take_front(offset);
  size_t lineBegin = before.rfind('\n') + 1; // npos + 1 = 0
  return {before.count('\n') + 1, offset - lineBegin + 1};
}

Error jinja::templateError(StringRef source, size_t offset, const Twine &message, bool isUnsupported) {
  Position position = positionOf(source, offset);
  std::string text =
      ("chat template, line " + Twine(position.line) + ", column " + Twine(position.column) + ": " + message).str();
  return isUnsupported ? unsupported(text) : malformed(text);
}

std::string jinja::normalizeSource(StringRef source) {
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r')
      text += source[i];
    else if (i + 1 == source.size() || source[i + 1] != '\n')
      text += '\n';
  }
  if (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

static constexpr StringRef whiteSpace = " \t\n\r\v\f";

namespace {

class Lexer {
public:
  explicit Lexer(StringRef source) : source(source) {}

  llvm::Expected<std::vector<Token>> run() {
    while (position < source.size())
      if (Error error = lexText())
        return std::move(error);
    add(TokenKind::End, "", position);
    return std::move(tokens);
  }

private:
  Error lexText();
  Error lexComment(size_t begin);
  Error lexRaw(size_t begin, bool &isRaw);
  Error lexTag(size_t begin, char kind);
  Error lexString();
  Error lexNumber();
  Error lexOperator(std::string &brackets);
  Error unescape(StringRef text, size_t offset, std::string &result);
  void endTag(bool trimLine);
  void addText(StringRef text, char next, char sign);
  void add(TokenKind kind, StringRef text, size_t offset) { tokens.push_back({kind, text.str(), offset}); }
  StringRef rest() const { return source.drop_front(position); }

  StringRef source;
  size_t position = 0;
  bool lineStarting = true; // the text after the last tag begins a line
  std::vector<Token> tokens;
};

} // namespace

/// Text before a tag. `next` is the second character of the tag's {{, {% or {#, 0 at the end of the template.
void Lexer::addText(StringRef text, char next, char sign) {
  size_t offset = text.data() - source.data();
  if (sign == '-') {
    text = text.rtrim(whiteSpace);
  } else if (sign != '+' && (next == '%' || next == '#')) {
    // lstrip_blocks: white space between the line's begin and the tag goes.
    size_t lineBegin = text.rfind('\n') + 1;
    if ((lineBegin > 0 || lineStarting) && text.drop_front(lineBegin).trim(whiteSpace).empty())
      text = text.take_front(lineBegin);
  }
  if (!text.empty())
    add(TokenKind::Text, text, offset);
}

/// Text up to a tag, and the tag.
Error Lexer::lexText() {
  size_t begin = position, tag = position;
  for (;; ++tag) {
    tag = source.find('{', tag);
    if (tag == StringRef::npos || tag + 1 >= source.size()) {
      addText(source.drop_front(begin), 0, 0);
      position = source.size();
      return Error::success();
    }
    if (StringRef("{%#").contains(source[tag + 1]))
      break;
  }
  char kind = source[tag + 1];
  char sign = tag + 2 < source.size() && StringRef("+-").contains(source[tag + 2]) ? source[tag + 2] : '\0';
  addText(source.slice(begin, tag), kind, sign);
  position = tag + 2 + (sign ? 1 : 0);
  if (kind == '#')
    return lexComment(tag);
  bool isRaw = false;
  if (kind == '%')
    if (Error error = lexRaw(tag, isRaw))
      return error;
  return isRaw ? Error::success() : lexTag(tag, kind);
}

/// After the closing }} or %}: the white space that goes with it. `position` is behind the tag.
void Lexer::endTag(bool trimLine) {
  if (trimLine && position < source.size() && source[position] == '\n')
    ++position;
  lineStarting = position > 0 && source[position - 1] == '\n';
}

Error Lexer::lexComment(size_t begin) {
  size_t end = source.find("#}", position);
  if (end == StringRef::npos)
    return templateError(source, begin, "the comment that begins here has no end");
  char sign = end > position ? source[end - 1] : '\0';
  position = end + 2;
  if (sign == '-')
    position += rest().size() - rest().ltrim(whiteSpace).size();
  endTag(sign != '-' && sign != '+');
  return Error::success();
}

/// Finds the tag {% name %} at or behind `from`; returns its begin and end and the signs in it.
static size_t findTag(StringRef source, size_t from, StringRef name, size_t &end, char &leftSign, char &rightSign) {
  for (size_t begin = source.find("{%", from); begin != StringRef::npos; begin = source.find("{%", begin + 1)) {
    StringRef rest = source.drop_front(begin + 2);
    leftSign = rightSign = 0;
    if (rest.starts_with("-") || rest.starts_with("+"))
      leftSign = rest.front(), rest = rest.drop_front();
    rest = rest.ltrim(whiteSpace);
    if (!rest.consume_front(name))
      continue;
    rest = rest.ltrim(whiteSpace);
    if (rest.starts_with("-") || rest.starts_with("+"))
      rightSign = rest.front(), rest = rest.drop_front();
    if (!rest.consume_front("%}"))
      continue;
    end = rest.data() - source.data();
    return begin;
  }
  return StringRef::npos;
}

Error Lexer::lexRaw(size_t begin, bool &isRaw) {
  size_t bodyBegin, after;
  char left, right;
  if (findTag(source.take_front(source.find("%}", begin) + 2), begin, "raw", bodyBegin, left, right) != begin)
    return Error::success();
  isRaw = true;
  char endLeft, endRight;
  size_t end = findTag(source, bodyBegin, "endraw", after, endLeft, endRight);
  if (end == StringRef::npos)
    return templateError(source, begin, "{% raw %} has no {% endraw %}");
  position = bodyBegin;
  if (right == '-')
    position += rest().size() - rest().ltrim(whiteSpace).size();
  endTag(false); // as jinja2: the line end behind {% raw %} stays
  if (position < end)
    addText(source.slice(position, end), '%', endLeft);
  position = after;
  if (endRight == '-')
    position += rest().size() - rest().ltrim(whiteSpace).size();
  endTag(endRight == 0);
  return Error::success();
}

/// The tokens of {{ … }} or {% … %}; inside brackets, }} is no end.
Error Lexer::lexTag(size_t begin, char kind) {
  bool isExpression = kind == '{';
  StringRef close = isExpression ? "}}" : "%}";
  add(isExpression ? TokenKind::ExpressionBegin : TokenKind::StatementBegin, "", begin);
  std::string brackets;
  for (;;) {
    position += rest().size() - rest().ltrim(whiteSpace).size();
    if (position == source.size())
      return templateError(source, begin, "the tag that begins here has no end");
    if (brackets.empty()) {
      char sign = rest().front();
      bool hasSign = sign == '-' || (sign == '+' && !isExpression);
      if (rest().drop_front(hasSign).starts_with(close)) {
        add(isExpression ? TokenKind::ExpressionEnd : TokenKind::StatementEnd, "", position);
        position += close.size() + hasSign;
        if (hasSign && sign == '-')
          position += rest().size() - rest().ltrim(whiteSpace).size();
        endTag(!isExpression && !hasSign);
        return Error::success();
      }
    }
    char c = rest().front();
    if (llvm::isAlpha(c) || c == '_') {
      StringRef name = rest().take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
      add(TokenKind::Name, name, position);
      position += name.size();
    } else if (llvm::isDigit(c)) {
      if (Error error = lexNumber())
        return error;
    } else if (c == '\'' || c == '"') {
      if (Error error = lexString())
        return error;
    } else if (Error error = lexOperator(brackets)) {
      return error;
    }
  }
}

Error Lexer::lexNumber() {
  StringRef digits = rest().take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
  StringRef after = rest().drop_front(digits.size());
  if (after.size() > 1 && after[0] == '.' && llvm::isDigit(after[1]))
    return templateError(source, position, "numbers with a fraction are not supported", true);
  int64_t value;
  if (digits.getAsInteger(10, value))
    return templateError(source, position, "expected a decimal integer below 2^63, found " + quote(digits));
  add(TokenKind::Integer, digits, position);
  position += digits.size();
  return Error::success();
}

Error Lexer::lexString() {
  size_t begin = position, end = begin + 1;
  while (end < source.size() && source[end] != source[begin])
    end += source[end] == '\\' ? 2 : 1;
  if (end >= source.size())
    return templateError(source, begin, "the string that begins here has no end");
  std::string text;
  if (Error error = unescape(source.slice(begin + 1, end), begin + 1, text))
    return error;
  add(TokenKind::String, text, begin);
  position = end + 1;
  return Error::success();
}

/// Python's escapes; an unknown one stays as it is, backslash included.
Error Lexer::unescape(StringRef text, size_t offset, std::string &result) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    char c = text[++i];
    size_t known = StringRef("abfnrtv\\'\"").find(c);
    unsigned digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (known != StringRef::npos) {
      result += "\a\b\f\n\r\t\v\\'\""[known];
    } else if (c == '\n') {
      continue;
    } else if (c >= '0' && c <= '7') {
      unsigned value = 0;
      size_t end = i;
      while (end < text.size() && end < i + 3 && text[end] >= '0' && text[end] <= '7')
        value = value * 8 + static_cast<unsigned>(text[end++] - '0');
      i = end - 1;
      char buffer[4], *at = buffer;
      llvm::ConvertCodePointToUTF8(value, at);
      result.append(buffer, at);
    } else if (digits) {
      unsigned value;
      char buffer[4], *at = buffer;
      StringRef number = text.substr(i + 1, digits);
      if (number.size() < digits || number.getAsInteger(16, value) || !llvm::ConvertCodePointToUTF8(value, at))
        return templateError(source, offset + i - 1,
                             "expected " + Twine(digits) + " hexadecimal digits of a character");
      result.append(buffer, at);
      i += digits;
    } else {
      result += '\\';
      result += c;
    }
  }
  return Error::success();
}

Error Lexer::lexOperator(std::string &brackets) {
  static constexpr StringRef operators[] = {"==", "!=", "<=", ">=", "//", "**", "+", "-", "/", "*", "%", "~", "<",
                                            ">",  "=",  "(",  ")",  "[",  "]",  "{", "}", ",", ":", ".", "|", ";"};
  for (StringRef op : operators) {
    if (!rest().starts_with(op))
      continue;
    char c = op.front();
    if (op.size() == 1 && StringRef("([{").contains(c)) {
      brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (op.size() == 1 && StringRef(")]}").contains(c)) {
      if (brackets.empty() || brackets.back() != c)
        return templateError(source, position, "unexpected '" + op + "'");
      brackets.pop_back();
    }
    add(TokenKind::Operator, op, position);
    position += op.size();
    return Error::success();
  }
  return templateError(source, position, "unexpected character " + quote(rest().take_front(1)));
}

llvm::Expected<std::vector<Token>> jinja::tokenize(StringRef source) { return Lexer(source).run(); }
