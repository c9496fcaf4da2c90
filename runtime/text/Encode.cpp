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
bool Tokenizer::Encoder::inTemplate(size_t begin, size_t end, size_t &segment) const {
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

/// The longest spelling of the list that stands at `offset`. Spellings are sorted, so those that agree with the text so
/// far are one range, which narrows with every byte.
Tokenizer::Encoder::Special Tokenizer::Encoder::matchSpecial(const Source &source, size_t offset) {
  const uint32_t *first = source.list->first()->data(), *offsets = source.list->offsets()->data();
  const uint8_t *bytes = source.list->bytes()->data();
  auto lead = uint8_t(source.text[offset]);
  uint32_t low = first[lead], high = first[lead + 1];
  Special best;
  for (size_t depth = 1; low < high; ++depth, ++steps) {
    if (offsets[low + 1] - offsets[low] == depth) {
      uint32_t id = source.list->ids()->Get(low++);
      // A space that was put before the text has no place in it.
      size_t begin = offset == 0 ? source.begin : source.begin + offset - source.prefix;
      size_t end = source.begin + offset + depth - source.prefix;
      bool trusted = t.typeOf(id) == TypeUserDefined || inTemplate(begin, end, *source.segment);
      if (t.matchedWith(id, options.specials) && trusted)
        best = {id, depth};
    }
    if (offset + depth >= source.text.size())
      break;
    auto byte = uint8_t(source.text[offset + depth]);
    // The bounds of the candidates whose next byte is `byte`.
    auto bound = [&](uint32_t from, unsigned value) {
      uint32_t to = high;
      while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (bytes[offsets[middle] + depth] < value)
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

/// Emits the tokens of the list, and hands on what lies between them.
template <typename Between> void Tokenizer::Encoder::cutAtSpecials(const Source &source, Between between) {
  size_t begin = 0;
  if (options.specials != SpecialTokens::None && source.list) {
    for (size_t offset = 0; offset < source.text.size();) {
      Special special = matchSpecial(source, offset);
      if (special.id == NoToken) {
        ++offset;
        continue;
      }
      std::string_view piece = source.text.substr(begin, offset - begin);
      if (t.flags[special.id] & FlagStripLeft)
        piece = withoutSpaceBehind(piece);
      between(piece, begin == 0);
      emit(int32_t(special.id));
      offset += special.size;
      if (t.flags[special.id] & FlagStripRight)
        offset += spaceBefore(source.text.substr(offset));
      begin = offset;
    }
  }
  between(source.text.substr(begin), begin == 0);
}

void Tokenizer::Encoder::encodePieces() {
  size_t segment = 0, inPieces = 0; // the first segments that may still matter
  cutAtSpecials({t.table->specials(), text, 0, 0, &segment}, [&](std::string_view piece, bool atBeginning) {
    if (!piece.empty())
      encodePiece(piece, atBeginning, inPieces);
  });
}

/// Puts a space before the piece, which moves to the workspace if it isn't there. What is before it there is nobody's.
std::string_view Tokenizer::Encoder::putSpaceBefore(std::string_view piece) {
  auto *memory = reinterpret_cast<char *>(workspace.data());
  bool isCopy = piece.data() >= memory && piece.data() < memory + workspace.size();
  if (isCopy ? piece.data() == memory : piece.size() >= workspace.size()) {
    error = TextError::WorkspaceTooSmall;
    return {};
  }
  char *begin = isCopy ? memory + (piece.data() - memory) : memory + workspace.size() - piece.size();
  if (!isCopy)
    std::memcpy(begin, piece.data(), piece.size());
  begin[-1] = ' ';
  return {begin - 1, piece.size() + 1};
}

/// What the piece, which is not empty, leaves of the workspace to the symbols of its words.
std::span<std::byte> Tokenizer::Encoder::spaceBeside(std::string_view piece) const {
  const auto *begin = reinterpret_cast<const std::byte *>(piece.data());
  bool isCopy = begin >= workspace.data() && begin < workspace.data() + workspace.size();
  return isCopy ? workspace.first(size_t(begin - workspace.data())) : workspace;
}

/// A piece without tokens that are recognised as they are given: it is normalized, and where the model was trained so
/// has a space before it. Others are recognised then.
void Tokenizer::Encoder::encodePiece(std::string_view piece, bool atBeginning, size_t &segment) {
  auto begin = size_t(piece.data() - text.data());
  steps += piece.size();
  Normalizer normalizer(t.table->normalizer());
  if (normalizer.touches(piece))
    error = normalizer.run(piece, workspace, piece);
  if (error != TextError::None || piece.empty())
    return;
  bool prefixed = t.table->space_prefix() == schema::SpacePrefix::Always;
  if (prefixed)
    piece = putSpaceBefore(piece);
  if (piece.empty())
    return;
  symbols = spaceBeside(piece);
  cutAtSpecials({t.table->normalized_specials(), piece, begin, prefixed, &segment},
                [&](std::string_view part, bool first) {
                  if (!part.empty())
                    encodeWords(part, atBeginning && first);
                });
}

/// A piece without special tokens.
void Tokenizer::Encoder::encodeWords(std::string_view piece, bool atBeginning) {
  using schema::SpacePrefix;
  SpacePrefix rule = t.table->space_prefix();
  bool prefixed = rule == SpacePrefix::IfMissing || (rule == SpacePrefix::IfMissingAtBeginning && atBeginning);
  std::span<std::byte> before = symbols;
  if (prefixed && piece.front() != ' ') {
    piece = putSpaceBefore(piece);
    if (piece.empty())
      return;
    if (std::span<std::byte> rest = spaceBeside(piece); rest.size() < symbols.size())
      symbols = rest;
  }
  WordScanner scanner(*t.table, piece);
  for (std::string_view word; error == TextError::None && scanner.next(word);)
    encodeWord(word);
  steps += scanner.steps();
  symbols = before;
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
