//===- Regex.cpp - The regular expressions of pre-tokenizers --------------===//
//
// See Regex.h. Recursive descent; the depth of groups is bounded.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/Regex.h"

#include "compiler/Import/ImportError.h"
#include "runtime/text/UTF8.h"

#include "llvm/ADT/StringExtras.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {

class Parser {
public:
  explicit Parser(StringRef text) : whole(text), rest(text) {}

  Expected<Regex> parse();

private:
  Expected<Regex> parseAlternative();
  Expected<Regex> parseSequence();
  Expected<Regex> parseRepeat();
  Expected<Regex> parseAtom();
  Expected<Regex> parseGroup();
  Expected<Regex> parseAhead(bool negative);
  Expected<CodePointSet> parseClass();
  Expected<CodePointSet> parseLiteral();
  Expected<CodePointSet> parsePart();
  Expected<CodePointSet> parseMember();
  /// Behind a backslash: a class, or one character.
  Expected<CodePointSet> parseEscape();
  Expected<CodePointSet> parseCategory(bool negative);
  Expected<uint32_t> parseCharacter();
  Error parseCount(Regex &repeat);
  Error refuse(StringRef what) const {
    return unsupported("unsupported regular expression: " + what + " at byte " +
                       llvm::Twine(whole.size() - rest.size()) + " of " + quote(whole));
  }

  static constexpr unsigned maxDepth = 64, maxCount = 1000;

  StringRef whole, rest;
  unsigned depth = 0;
  bool anyCase = false;
};

} // namespace

Expected<Regex> Parser::parse() {
  auto result = parseAlternative();
  if (result && !rest.empty())
    return refuse("a parenthesis that closes nothing");
  return result;
}

Expected<Regex> Parser::parseAlternative() {
  Regex result;
  result.kind = Regex::Kind::Alternative;
  do {
    auto sequence = parseSequence();
    if (!sequence)
      return sequence;
    result.children.push_back(std::move(*sequence));
  } while (rest.consume_front("|"));
  return result;
}

Expected<Regex> Parser::parseSequence() {
  Regex result;
  while (!rest.empty() && rest.front() != '|' && rest.front() != ')') {
    auto item = parseRepeat();
    if (!item)
      return item;
    result.children.push_back(std::move(*item));
  }
  return result;
}

/// {n}, {n,}, {n,m}; the brace has been read.
Error Parser::parseCount(Regex &repeat) {
  if (rest.consumeInteger(10, repeat.least))
    return refuse("a count");
  repeat.most = repeat.least;
  if (rest.consume_front(",")) {
    repeat.most = Regex::unbounded;
    if (!rest.starts_with("}") && rest.consumeInteger(10, repeat.most))
      return refuse("a count");
  }
  if (!rest.consume_front("}") || repeat.least > maxCount ||
      (repeat.most != Regex::unbounded && (repeat.most > maxCount || repeat.most < repeat.least)))
    return refuse("a count");
  return Error::success();
}

Expected<Regex> Parser::parseRepeat() {
  auto atom = parseAtom();
  if (!atom || rest.empty())
    return atom;
  Regex repeat;
  repeat.kind = Regex::Kind::Repeat;
  char sign = rest.front();
  if (!StringRef("*+?{").contains(sign))
    return atom;
  rest = rest.drop_front();
  repeat.least = sign == '+';
  repeat.most = sign == '?' ? 1 : Regex::unbounded;
  if (sign == '{')
    if (Error error = parseCount(repeat))
      return std::move(error);
  if (!rest.empty() && StringRef("*+?{").contains(rest.front()))
    return refuse("lazy or possessive repetition");
  repeat.children.push_back(std::move(*atom));
  return repeat;
}

static Regex setOf(CodePointSet set) {
  Regex result;
  result.kind = Regex::Kind::Set;
  result.set = std::move(set);
  return result;
}

Expected<Regex> Parser::parseAtom() {
  if (rest.consume_front("("))
    return parseGroup();
  if (rest.consume_front("$")) {
    Regex end;
    end.kind = Regex::Kind::Ahead;
    end.set = CodePointSet('\n', '\n'); // Oniguruma's $ is the end of a line
    end.atEnd = true;
    return end;
  }
  if (StringRef("^*+?").contains(rest.front()))
    return refuse("'" + rest.take_front(1).str() + "'");
  auto set = parseClass();
  if (!set)
    return set.takeError();
  return setOf(std::move(*set));
}

/// (?!X) or (?=X) with one character or class X.
Expected<Regex> Parser::parseAhead(bool negative) {
  auto set = parseClass();
  if (!set)
    return set.takeError();
  if (!rest.consume_front(")"))
    return refuse("a look ahead at more than one character");
  Regex result;
  result.kind = Regex::Kind::Ahead;
  result.set = negative ? set->complement() : *set;
  result.atEnd = negative;
  return result;
}

Expected<Regex> Parser::parseGroup() {
  bool outer = anyCase;
  if (rest.consume_front("?!"))
    return parseAhead(/*negative=*/true);
  if (rest.consume_front("?="))
    return parseAhead(/*negative=*/false);
  if (rest.consume_front("?i:"))
    anyCase = true;
  else if (!rest.consume_front("?:") && rest.starts_with("?"))
    return refuse("'(" + rest.take_front(2).str() + "'");
  if (++depth > maxDepth)
    return refuse("groups inside each other");
  auto result = parseAlternative();
  --depth;
  anyCase = outer;
  if (result && !rest.consume_front(")"))
    return refuse("a parenthesis that isn't closed");
  return result;
}

Expected<uint32_t> Parser::parseCharacter() {
  rt::Character c = rt::decodeCharacter(rest.data(), rest.size());
  if (c.code == rt::Character::Invalid)
    return refuse("a byte that is no character");
  rest = rest.drop_front(c.length);
  return c.code;
}

/// \p{L}, \P{L}, \pL; the letter p has been read.
Expected<CodePointSet> Parser::parseCategory(bool negative) {
  StringRef name = rest.take_front(1);
  if (rest.consume_front("{")) {
    name = rest.take_until([](char c) { return c == '}'; });
    rest = rest.drop_front(name.size());
    negative ^= name.consume_front("^");
  }
  auto set = CodePointSet::category(name);
  if (!set)
    return refuse("the property " + quote(name));
  rest = rest.drop_front();
  return negative ? set->complement() : *set;
}

Expected<CodePointSet> Parser::parseEscape() {
  if (rest.empty())
    return refuse("a backslash");
  char letter = rest.front();
  if (!llvm::isAlnum(letter)) {
    auto code = parseCharacter();
    if (!code)
      return code.takeError();
    return CodePointSet(*code, *code);
  }
  rest = rest.drop_front();
  switch (letter) {
  case 's':
    return CodePointSet::whiteSpace();
  case 'S':
    return CodePointSet::whiteSpace().complement();
  case 'd':
    return *CodePointSet::category("Nd");
  case 'D':
    return CodePointSet::category("Nd")->complement();
  case 'p':
  case 'P':
    return parseCategory(letter == 'P');
  case 'n':
    return CodePointSet('\n', '\n');
  case 'r':
    return CodePointSet('\r', '\r');
  case 't':
    return CodePointSet('\t', '\t');
  case 'f':
    return CodePointSet('\f', '\f');
  case 'v':
    return CodePointSet('\v', '\v');
  case 'u': { // \uHHHH
    uint32_t code;
    if (rest.take_front(4).getAsInteger(16, code) || rest.size() < 4)
      return refuse("'\\u'");
    rest = rest.drop_front(4);
    return CodePointSet(code, code);
  }
  default:
    return refuse("'\\" + std::string(1, letter) + "'");
  }
}

/// A character outside of brackets.
Expected<CodePointSet> Parser::parseLiteral() {
  auto code = parseCharacter();
  if (!code)
    return code.takeError();
  CodePointSet set(*code, *code);
  if (!anyCase)
    return set;
  if (*code >= 0x80)
    return refuse("(?i:) of other than ASCII");
  if (!llvm::isAlpha(static_cast<char>(*code)))
    return set;
  uint32_t other = *code ^ 0x20, lower = *code | 0x20;
  set.add(CodePointSet(other, other));
  // Simple case folding (CaseFolding.txt): LONG S and KELVIN SIGN.
  if (lower == 's' || lower == 'k')
    set.add(lower == 's' ? CodePointSet(0x17F, 0x17F) : CodePointSet(0x212A, 0x212A));
  return set;
}

/// In brackets: an escape or a character.
Expected<CodePointSet> Parser::parseMember() {
  if (rest.consume_front("\\"))
    return parseEscape();
  if (rest.empty())
    return refuse("an end");
  auto code = parseCharacter();
  if (!code)
    return code.takeError();
  return CodePointSet(*code, *code);
}

/// In brackets: a character, a range of them, an escape or another class.
Expected<CodePointSet> Parser::parsePart() {
  if (rest.starts_with("["))
    return parseClass();
  auto part = parseMember();
  if (!part || !rest.starts_with("-") || rest.starts_with("-]"))
    return part;
  auto [first, last] = part->ranges().front();
  if (part->ranges().size() != 1 || first != last)
    return part; // the minus is a character
  rest = rest.drop_front();
  auto end = parseMember();
  if (!end)
    return end;
  auto [endFirst, endLast] = end->ranges().front();
  if (end->ranges().size() != 1 || endFirst != endLast || endLast < first)
    return refuse("a range");
  return CodePointSet(first, endLast);
}

/// One character, an escape, `.`, or […].
Expected<CodePointSet> Parser::parseClass() {
  if (rest.empty())
    return refuse("an end");
  if (rest.consume_front("\\"))
    return parseEscape();
  if (rest.consume_front("."))
    return CodePointSet('\n', '\n').complement();
  if (!rest.consume_front("["))
    return parseLiteral();
  if (anyCase || ++depth > maxDepth)
    return refuse("a class");
  bool negative = rest.consume_front("^");
  CodePointSet set;
  do {
    if (rest.empty() || rest.starts_with("&&") || rest.starts_with("[:"))
      return refuse("a class");
    auto part = parsePart();
    if (!part)
      return part;
    set.add(*part);
  } while (!rest.consume_front("]"));
  --depth;
  return negative ? set.complement() : set;
}

Expected<Regex> nibble::parseRegex(StringRef text) { return Parser(text).parse(); }
