//===- WordScanner.cpp - cutting text into words before merging ------------===//
//
// See WordScanner.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/WordScanner.h"

namespace nibble::rt {

using schema::PreTokenizer;
using schema::WordPattern;

static constexpr uint16_t AcceptBit = 0x8000;

WordScanner::WordScanner(const schema::Tokenizer &table, std::string_view text) : text(text), table(table) {
  if (table.pre() != PreTokenizer::Patterns)
    return;
  classes = UnicodeClasses(table.class_blocks()->data(), table.classes()->data(), table.invalid_class());
  count = table.patterns()->size();
  levels[0].end = text.size();
}

/// The end of the match that begins at `begin`, or `begin` if there is none. `read`: how far the automaton lived.
size_t WordScanner::match(const WordPattern &pattern, size_t begin, size_t end, size_t &read) {
  const uint16_t *transitions = pattern.transitions()->data();
  size_t symbols = pattern.symbols(), matched = begin;
  size_t state = 1;
  for (read = begin;;) {
    Character c = {0, 0};
    uint8_t symbol = 0; // the end
    if (read < end) {
      c = decodeCharacter(text.data() + read, end - read);
      symbol = classes.of(c.code);
    }
    ++stepCount;
    uint16_t entry = transitions[state * symbols + symbol];
    if (entry & AcceptBit)
      matched = read;
    state = entry & (AcceptBit - 1);
    if (state == 0)
      return matched;
    read += c.length;
  }
}

/// Takes the next piece off the level: text[position, pieceEnd). Returns whether the words are to have it.
bool WordScanner::cut(size_t depth, size_t &pieceEnd) {
  const WordPattern &pattern = *table.patterns()->Get(uint32_t(depth));
  Level &level = levels[depth];
  size_t begin = level.position;
  if (level.matchEnd <= begin) {
    size_t at = begin, matchEnd = begin;
    while (at < level.end) {
      size_t read;
      matchEnd = match(pattern, at, level.end, read);
      if (matchEnd != at)
        break;
      size_t behind = at + decodeCharacter(text.data() + at, level.end - at).length;
      at = pattern.is_run() && read > behind ? read : behind;
      matchEnd = at;
    }
    level.matchEnd = matchEnd;
    if (at != begin) {
      level.position = pieceEnd = at;
      return pattern.keeps_others();
    }
  }
  level.position = pieceEnd = level.matchEnd;
  return pattern.keeps_matches();
}

bool WordScanner::nextOfPatterns(std::string_view &word) {
  for (;;) {
    while (levels[depth].position == levels[depth].end) {
      if (depth == 0)
        return false;
      --depth;
    }
    size_t begin = levels[depth].position, end;
    if (!cut(depth, end))
      continue;
    if (depth + 1 == count) {
      word = text.substr(begin, end - begin);
      return true;
    }
    levels[++depth] = {begin, end, begin};
  }
}

bool WordScanner::next(std::string_view &word) {
  if (table.pre() == PreTokenizer::Patterns)
    return nextOfPatterns(word);
  size_t begin = position, size = text.size();
  if (begin >= size)
    return false;
  switch (table.pre()) {
  case PreTokenizer::Pairs: {
    const uint8_t *joins = table.joins()->data();
    auto joined = [&](size_t at) {
      uint32_t pair = uint32_t(uint8_t(text[at - 1])) << 8 | uint8_t(text[at]);
      return (joins[pair >> 3] >> (pair & 7)) & 1;
    };
    do
      ++position;
    while (position < size && joined(position));
    break;
  }
  case PreTokenizer::EachSpace:
    do
      ++position;
    while (position < size && text[position] != ' ');
    break;
  default:
    position = size;
  }
  stepCount += position - begin;
  word = text.substr(begin, position - begin);
  return true;
}

} // namespace nibble::rt
