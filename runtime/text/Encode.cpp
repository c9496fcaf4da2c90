//===- Encode.cpp - text to token ids --------------------------------------===//
//
// See Tokenizer.h. The text is cut at the tokens that are recognised by their
// spelling, the pieces between into words; EncodeWord.cpp goes on.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Encoder.h"
#include "runtime/text/Normalizer.h"
#include "runtime/text/UTF8.h"
#include "runtime/text/WordScanner.h"

namespace nibble::rt {

/// Whether text[begin, end) lies in template segments altogether. Begins don't decrease from call to call.
bool Tokenizer::Encoder::inTemplate(size_t begin, size_t end) {
  if (options.segments.empty())
    return true;
  while (segment < options.segments.size() && options.segments[segment].end <= begin)
    ++segment;
  for (size_t i = segment; i < options.segments.size() && options.segments[i].isTemplate; ++i)
    if (options.segments[i].end >= end)
      return true;
  return false;
}

bool Tokenizer::matchedWith(uint32_t id, SpecialTokens specials) const {
  return specials == SpecialTokens::All || (specials == SpecialTokens::UserDefined && typeOf(id) == TypeUserDefined);
}

/// The longest special token that stands at `offset`. The candidates are sorted by their bytes, so those that agree
/// with the text so far are one range, which narrows with every byte.
uint32_t Tokenizer::Encoder::matchSpecial(size_t offset) {
  const uint32_t *specials = t.table->specials()->data();
  const uint32_t *first = t.table->special_first()->data();
  auto lead = uint8_t(text[offset]);
  uint32_t low = first[lead], high = first[lead + 1];
  uint32_t best = NoToken;
  for (size_t depth = 1; low < high; ++depth) {
    uint32_t shortest = specials[low];
    if (t.tokenBytes(int32_t(shortest)).size() == depth) {
      bool trusted = t.typeOf(shortest) == TypeUserDefined || inTemplate(offset, offset + depth);
      if (t.matchedWith(shortest, options.specials) && trusted)
        best = shortest;
      ++low;
    }
    if (offset + depth >= text.size())
      break;
    auto byte = uint8_t(text[offset + depth]);
    // The bounds of the candidates whose next byte is `byte`.
    auto bound = [&](uint32_t from, unsigned value) {
      uint32_t to = high;
      while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (uint8_t(t.tokenBytes(int32_t(specials[middle]))[depth]) < value)
          from = middle + 1;
        else
          to = middle;
      }
      return from;
    };
    low = bound(low, byte);
    high = bound(low, unsigned(byte) + 1);
  }
  return best;
}

/// Bytes of white space at the beginning.
static size_t spaceBefore(std::string_view text) {
  size_t offset = 0;
  while (offset < text.size()) {
    Character c = decodeCharacter(text.data() + offset, text.size() - offset);
    if (!isWhiteSpace(c.code))
      break;
    offset += c.length;
  }
  return offset;
}

static std::string_view withoutSpaceBehind(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && (uint8_t(text[begin]) & 0xC0) == 0x80)
      --begin;
    Character c = decodeCharacter(text.data() + begin, text.size() - begin);
    if (begin + c.length != text.size() || !isWhiteSpace(c.code))
      break;
    text = text.substr(0, begin);
  }
  return text;
}

void Tokenizer::Encoder::encodePieces() {
  size_t begin = 0;
  if (options.specials != SpecialTokens::None && t.table->specials()) {
    for (size_t offset = 0; offset < text.size();) {
      uint32_t id = matchSpecial(offset);
      if (id == NoToken) {
        ++offset;
        continue;
      }
      std::string_view piece = text.substr(begin, offset - begin);
      if (t.flags[id] & FlagStripLeft)
        piece = withoutSpaceBehind(piece);
      encodePiece(piece, begin == 0);
      emit(int32_t(id));
      offset += t.tokenBytes(int32_t(id)).size();
      if (t.flags[id] & FlagStripRight)
        offset += spaceBefore(text.substr(offset));
      begin = offset;
    }
  }
  encodePiece(text.substr(begin), begin == 0);
}

/// The piece as the words are cut from it: normalized, and where the model was trained so with a space before it.
std::string_view Tokenizer::Encoder::prepare(std::string_view piece, bool atBeginning) {
  symbols = workspace;
  Normalizer normalizer(t.table->normalizer());
  bool copied = normalizer.touches(piece);
  // The space's place is before the normalized text.
  if (copied)
    error = normalizer.run(piece, workspace, piece);
  if (error != TextError::None || piece.empty())
    return {};
  using schema::SpacePrefix;
  SpacePrefix rule = t.table->space_prefix();
  bool missing = piece.front() != ' ';
  bool prefixed = rule == SpacePrefix::Always || (rule == SpacePrefix::IfMissing && missing) ||
                  (rule == SpacePrefix::IfMissingAtBeginning && missing && atBeginning);
  if (prefixed) {
    if (piece.size() >= workspace.size()) {
      error = TextError::WorkspaceTooSmall;
      return {};
    }
    char *begin = reinterpret_cast<char *>(workspace.data() + workspace.size()) - piece.size();
    if (!copied)
      std::memcpy(begin, piece.data(), piece.size());
    begin[-1] = ' ';
    piece = {begin - 1, piece.size() + 1};
  }
  if (copied || prefixed)
    symbols = workspace.first(workspace.size() - piece.size());
  return piece;
}

/// A piece without special tokens.
void Tokenizer::Encoder::encodePiece(std::string_view piece, bool atBeginning) {
  if (piece.empty())
    return;
  piece = prepare(piece, atBeginning);
  WordScanner scanner(*t.table, piece);
  for (std::string_view word; error == TextError::None && scanner.next(word);)
    encodeWord(word);
}

static TextError checkSizes(std::string_view text, std::span<std::byte> workspace) {
  if (text.size() >= (size_t(1) << 31))
    return TextError::TextTooLong;
  return workspace.size() < Tokenizer::workspaceSize(text.size()) ? TextError::WorkspaceTooSmall : TextError::None;
}

TextError Tokenizer::encode(std::string_view text, const EncodeOptions &options, std::span<std::byte> workspace,
                            std::span<int32_t> ids, size_t &count) const {
  count = 0;
  if (TextError error = checkSizes(text, workspace); error != TextError::None)
    return error;
  return Encoder(*this, text, options, workspace, ids).run(count);
}

TextError Tokenizer::encodeWord(std::string_view word, std::span<std::byte> workspace, std::span<int32_t> ids,
                                size_t &count) const {
  count = 0;
  if (TextError error = checkSizes(word, workspace); error != TextError::None)
    return error;
  return Encoder(*this, word, EncodeOptions(), workspace, ids).runWord(count);
}

} // namespace nibble::rt
