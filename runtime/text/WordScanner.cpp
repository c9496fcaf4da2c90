//===- WordScanner.cpp - cutting text into words before merging ------------===//
//
// See WordScanner.h for the expressions. Functions named word… return the end of
// the word that begins at `offset`, looking no further than `end`.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/WordScanner.h"

namespace nibble::rt {

using schema::PreTokenizer;

static constexpr uint8_t ClassWord = ClassLetter | ClassNumber | ClassSpace;

WordScanner::Seen WordScanner::at(size_t offset, size_t end) const {
  Character c = decodeCharacter(text.data() + offset, end - offset);
  return {c.code, c.length, classes.of(c.code)};
}

/// Behind the run of characters that have one of `classBits`.
size_t WordScanner::skip(size_t offset, size_t end, uint8_t classBits) const {
  while (offset < end) {
    Seen c = at(offset, end);
    if (!(c.classBits & classBits))
      break;
    offset += c.length;
  }
  return offset;
}

/// Behind the run of [^\s\p{L}\p{N}].
size_t WordScanner::skipOther(size_t offset, size_t end) const {
  while (offset < end) {
    Seen c = at(offset, end);
    if (c.classBits & ClassWord)
      break;
    offset += c.length;
  }
  return offset;
}

size_t WordScanner::skipLineEnds(size_t offset, size_t end) const {
  while (offset < end && (text[offset] == '\r' || text[offset] == '\n'))
    ++offset;
  return offset;
}

/// Behind 's 't 're 've 'm 'll 'd at `offset`, or `offset` if there is none.
size_t WordScanner::contraction(size_t offset, size_t end, bool anyCase) const {
  if (text[offset] != '\'' || offset + 1 >= end)
    return offset;
  auto letter = [&](size_t i) -> char {
    if (i >= end)
      return 0;
    char c = text[i];
    return anyCase && c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  };
  char first = letter(offset + 1), second = letter(offset + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd')
    return offset + 2;
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l'))
    return offset + 3;
  // LATIN SMALL LETTER LONG S, C5 BF: its simple case folding is s.
  if (anyCase && first == char(0xC5) && second == char(0xBF))
    return offset + 3;
  return offset;
}

/// \s+(?!\S)|\s+ at a space: a run gives its last character to the word that follows, if it can spare it.
size_t WordScanner::whitespace(size_t offset, size_t end) const {
  size_t last = offset, behind = offset;
  while (behind < end) {
    Seen c = at(behind, end);
    if (!(c.classBits & ClassSpace))
      break;
    last = behind;
    behind += c.length;
  }
  return behind == end || last == offset ? behind : last;
}

size_t WordScanner::wordGPT2(size_t offset, size_t end) const {
  if (size_t behind = contraction(offset, end, false); behind != offset)
    return behind;
  size_t begin = offset;
  Seen c = at(offset, end);
  if (c.code == ' ' && offset + 1 < end) {
    begin = offset + 1;
    c = at(begin, end);
  }
  if (c.classBits & ClassLetter)
    return skip(begin, end, ClassLetter);
  if (c.classBits & ClassNumber)
    return skip(begin, end, ClassNumber);
  if (!(c.classBits & ClassSpace))
    return skipOther(begin, end);
  return whitespace(offset, end);
}

size_t WordScanner::wordLlama3(size_t offset, size_t end, unsigned digits) const {
  if (size_t behind = contraction(offset, end, true); behind != offset)
    return behind;
  Seen c = at(offset, end);
  if (c.classBits & ClassLetter)
    return skip(offset, end, ClassLetter);
  if (c.classBits & ClassNumber) {
    size_t behind = offset + c.length;
    for (unsigned i = 1; i < digits && behind < end; ++i) {
      Seen digit = at(behind, end);
      if (!(digit.classBits & ClassNumber))
        break;
      behind += digit.length;
    }
    return behind;
  }
  size_t begin = offset + c.length;
  if (c.code != '\r' && c.code != '\n' && begin < end && (at(begin, end).classBits & ClassLetter))
    return skip(begin, end, ClassLetter);
  if (!(c.classBits & ClassSpace))
    return skipLineEnds(skipOther(offset, end), end);
  if (c.code == ' ' && begin < end && !(at(begin, end).classBits & ClassWord))
    return skipLineEnds(skipOther(begin, end), end);
  return lineEndsOrSpace(offset, end);
}

/// \s*[\r\n]+|\s+(?!\S)|\s+ at a space: up to the last line end of the run of white space, if there is one.
size_t WordScanner::lineEndsOrSpace(size_t offset, size_t end) const {
  size_t lineEnd = offset;
  for (size_t i = offset; i < end;) {
    Seen space = at(i, end);
    if (!(space.classBits & ClassSpace))
      break;
    i += space.length;
    if (space.code == '\r' || space.code == '\n')
      lineEnd = i;
  }
  return lineEnd != offset ? lineEnd : whitespace(offset, end);
}

/// U: upper case, title case, letters without case, marks.
static bool isUpperLike(uint8_t classBits) {
  return (classBits & (ClassLetter | ClassMark)) && !(classBits & ClassLower);
}

/// V: lower case, letters without case, marks.
static bool isLowerLike(uint8_t classBits) {
  return (classBits & (ClassLetter | ClassMark)) && !(classBits & ClassUpper);
}

/// U*V+ at `offset`, or `offset`. Where no V follows the run of U, the run gives back what lies behind its last V.
size_t WordScanner::upperThenLower(size_t offset) const {
  size_t size = text.size(), behindLower = offset;
  while (offset < size) {
    Seen c = at(offset, size);
    if (!isUpperLike(c.classBits))
      break;
    offset += c.length;
    if (isLowerLike(c.classBits))
      behindLower = offset;
  }
  size_t upperEnd = offset;
  while (offset < size) {
    Seen c = at(offset, size);
    if (!isLowerLike(c.classBits))
      break;
    offset += c.length;
  }
  return offset != upperEnd ? offset : behindLower;
}

/// U+V* at `offset`, or `offset`; asked only where U*V+ does not match, so no V follows.
size_t WordScanner::upperOrLower(size_t offset) const {
  while (offset < text.size()) {
    Seen c = at(offset, text.size());
    if (!isUpperLike(c.classBits))
      break;
    offset += c.length;
  }
  return offset;
}

size_t WordScanner::wordTekken(size_t offset) const {
  size_t end = text.size();
  Seen c = at(offset, end);
  bool mayLead = !(c.classBits & (ClassLetter | ClassNumber)) && c.code != '\r' && c.code != '\n';
  size_t behindLead = offset + c.length;
  // Each alternative tries with a leading character first.
  if (mayLead)
    if (size_t behind = upperThenLower(behindLead); behind != behindLead)
      return behind;
  if (size_t behind = upperThenLower(offset); behind != offset)
    return behind;
  if (mayLead)
    if (size_t behind = upperOrLower(behindLead); behind != behindLead)
      return behind;
  if (size_t behind = upperOrLower(offset); behind != offset)
    return behind;
  if (c.classBits & ClassNumber)
    return behindLead;
  size_t begin = c.code == ' ' && behindLead < end ? behindLead : offset;
  if (!(at(begin, end).classBits & ClassWord)) {
    size_t behind = skipOther(begin, end);
    while (behind < end && (text[behind] == '\r' || text[behind] == '\n' || text[behind] == '/'))
      ++behind;
    return behind;
  }
  return lineEndsOrSpace(offset, end);
}

size_t WordScanner::wordSmolLM(size_t offset) {
  Seen c = at(offset, text.size());
  if (c.classBits & ClassNumber)
    return offset + c.length;
  if (chunkEnd <= offset) {
    for (chunkEnd = offset; chunkEnd < text.size();) {
      Seen inner = at(chunkEnd, text.size());
      if (inner.classBits & ClassNumber)
        break;
      chunkEnd += inner.length;
    }
  }
  return wordGPT2(offset, chunkEnd);
}

bool WordScanner::isDefaultPunctuation(const Seen &seen) const {
  if (seen.classBits & ClassPunctuation)
    return true;
  switch (seen.code) {
  case '$': case '+': case '<': case '=': case '>': case '^': case '~': case '|':
    return true;
  default:
    return false;
  }
}

size_t WordScanner::wordDefault(size_t offset) {
  size_t size = text.size();
  if (isDefaultPunctuation(at(offset, size))) {
    do
      offset += at(offset, size).length;
    while (offset < size && isDefaultPunctuation(at(offset, size)));
    return offset;
  }
  if (chunkEnd <= offset) {
    for (chunkEnd = offset; chunkEnd < size;) {
      Seen inner = at(chunkEnd, size);
      if (isDefaultPunctuation(inner))
        break;
      chunkEnd += inner.length;
    }
  }
  Seen c = at(offset, chunkEnd);
  if (c.classBits & ClassNumber) {
    auto threeDigits = [&](size_t i) {
      return i + 3 <= chunkEnd && text[i] >= '0' && text[i] <= '9' && text[i + 1] >= '0' && text[i + 1] <= '9' &&
             text[i + 2] >= '0' && text[i + 2] <= '9';
    };
    if (threeDigits(offset))
      return offset + 3;
    do
      offset += at(offset, chunkEnd).length;
    while (offset < chunkEnd && !threeDigits(offset) && (at(offset, chunkEnd).classBits & ClassNumber));
    return offset;
  }
  if (c.code == ' ' && offset + 1 < chunkEnd && (at(offset + 1, chunkEnd).classBits & ClassNumber))
    return offset + 1;
  return wordGPT2(offset, chunkEnd);
}

size_t WordScanner::wordSpaces(size_t offset) const {
  size_t size = text.size();
  while (offset < size && text[offset] == ' ')
    ++offset;
  while (offset < size && text[offset] != ' ')
    ++offset;
  return offset;
}

size_t WordScanner::wordEachSpace(size_t offset) const {
  do
    ++offset;
  while (offset < text.size() && text[offset] != ' ');
  return offset;
}

/// P* and the symbols among ASCII's printable characters.
static bool isBertPunctuation(uint32_t code, uint8_t classBits) {
  return (classBits & ClassPunctuation) ||
         (code > ' ' && code < 0x7F && !(classBits & (ClassLetter | ClassNumber)));
}

size_t WordScanner::wordBert(size_t offset) const {
  size_t size = text.size(), begin = offset;
  while (offset < size) {
    Seen c = at(offset, size);
    bool punctuation = isBertPunctuation(c.code, c.classBits);
    if ((c.classBits & ClassSpace) || (punctuation && offset != begin))
      break;
    offset += c.length;
    if (punctuation)
      break;
  }
  return offset;
}

bool WordScanner::next(std::string_view &word) {
  if (kind == PreTokenizer::Bert)
    position = skip(position, text.size(), ClassSpace);
  if (position >= text.size())
    return false;
  size_t begin = position;
  switch (kind) {
  case PreTokenizer::Whole:
    position = text.size();
    break;
  case PreTokenizer::Spaces:
    position = wordSpaces(begin);
    break;
  case PreTokenizer::EachSpace:
    position = wordEachSpace(begin);
    break;
  case PreTokenizer::GPT2:
    position = wordGPT2(begin, text.size());
    break;
  case PreTokenizer::SmolLM:
    position = wordSmolLM(begin);
    break;
  case PreTokenizer::Llama3:
    position = wordLlama3(begin, text.size(), 3);
    break;
  case PreTokenizer::Qwen2:
    position = wordLlama3(begin, text.size(), 1);
    break;
  case PreTokenizer::Tekken:
    position = wordTekken(begin);
    break;
  case PreTokenizer::Bert:
    position = wordBert(begin);
    break;
  case PreTokenizer::Default:
    position = wordDefault(begin);
    break;
  }
  word = text.substr(begin, position - begin);
  return true;
}

} // namespace nibble::rt
