//===- Encode.cpp - text to token ids --------------------------------------===//
//
// See Tokenizer.h. The text is cut at the tokens that are recognised by their
// spelling, the pieces between into words, the words into symbols, which merge.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Merger.h"
#include "runtime/text/TextHash.h"
#include "runtime/text/Tokenizer.h"
#include "runtime/text/TokenizerImpl.h"
#include "runtime/text/WordScanner.h"

namespace nibble::rt {

static_assert(NoRank == EmptySlot, "an empty slot of the merge hash reads as: does not merge");

/// BPE: pairs of ids merge if the table of merges has them.
struct Tokenizer::IdPairs {
  const Tokenizer &tokenizer;

  uint32_t rank(const Symbols &s, uint32_t i, uint32_t j) const {
    return tokenizer.rankOfMerge(s.id[i], s.id[j]);
  }
  uint32_t merged(const Symbols &, uint32_t, uint32_t, uint32_t rank) const { return tokenizer.merges[rank].merged(); }
};

/// SentencePiece: two neighbours merge if their bytes together are a token.
struct Tokenizer::TextPairs {
  const Tokenizer &tokenizer;

  uint32_t token(const Symbols &s, uint32_t i, uint32_t j) const {
    uint32_t size = s.endOf(j) - s.begin[i];
    return size > tokenizer.maxTokenBytes() ? NoToken : tokenizer.lookUp(s.text + s.begin[i], size);
  }
  uint32_t rank(const Symbols &s, uint32_t i, uint32_t j) const {
    uint32_t id = token(s, i, j);
    return id == NoToken ? NoRank : tokenizer.ranks[id];
  }
  uint32_t merged(const Symbols &s, uint32_t i, uint32_t j, uint32_t) const { return token(s, i, j); }
};

/// One call of encode().
class Tokenizer::Encoder {
public:
  Encoder(const Tokenizer &tokenizer, std::string_view text, const EncodeOptions &options,
          std::span<std::byte> workspace, std::span<int32_t> ids)
      : t(tokenizer), text(text), options(options), workspace(workspace), ids(ids),
        kind(tokenizer.table->kind()) {}

  TextError run(size_t &idCount) {
    if (options.addSpecial && t.table->add_bos() && t.table->bos() >= 0)
      emit(t.table->bos());
    encodePieces();
    if (options.addSpecial && t.table->add_eos() && t.table->eos() >= 0)
      emit(t.table->eos());
    return finish(idCount);
  }

  TextError runWord(size_t &idCount) {
    if (!text.empty())
      encodeWord(text);
    return finish(idCount);
  }

private:
  TextError finish(size_t &idCount) const {
    idCount = count;
    if (count > ids.size())
      return TextError::OutputTooSmall;
    return lostBytes ? TextError::UnknownBytes : TextError::None;
  }

  void emit(int32_t id) {
    if (count < ids.size())
      ids[count] = id;
    ++count;
  }

  void encodePieces();
  uint32_t matchSpecial(size_t offset);
  bool inTemplate(size_t begin, size_t end);
  void encodePiece(std::string_view piece, bool atBeginning);
  void encodeWord(std::string_view word);
  void encodeUnigram(std::string_view word);
  void splitBytes(std::string_view word, Symbols &s);
  void splitCharacters(std::string_view word, Symbols &s) const;
  void emitBytes(std::string_view bytes);

  const Tokenizer &t;
  std::string_view text;
  const EncodeOptions &options;
  std::span<std::byte> workspace;
  std::span<int32_t> ids;
  size_t count = 0;
  size_t segment = 0; // the first segment that may still matter
  schema::TokenizerKind kind;
  bool lostBytes = false;
};

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

/// Unicode's White_Space, without tables: families that strip have none.
static bool isWhiteSpace(uint32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
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

/// A piece without special tokens. SentencePiece sees a space before it, as it was trained.
void Tokenizer::Encoder::encodePiece(std::string_view piece, bool atBeginning) {
  if (piece.empty())
    return;
  using schema::SpacePrefix;
  SpacePrefix rule = t.table->space_prefix();
  bool missing = piece.front() != ' ';
  if (rule == SpacePrefix::Always || (rule == SpacePrefix::IfMissing && missing) ||
      (rule == SpacePrefix::IfMissingAtBeginning && missing && atBeginning)) {
    // The copy lies behind the symbols: 28 bytes a symbol + 1 byte a character.
    char *copy = reinterpret_cast<char *>(workspace.data()) + Symbols::BytesEach * (piece.size() + 1);
    copy[0] = ' ';
    std::memcpy(copy + 1, piece.data(), piece.size());
    piece = {copy, piece.size() + 1};
  }
  WordScanner scanner(t.table->pre(), t.classes, piece);
  for (std::string_view word; scanner.next(word);)
    encodeWord(word);
}

/// Bytes that the vocabulary lacks are left out before anything merges, as in the tokenizers that trained it. (Their
/// "unknown" is a control token, which no text may produce.)
void Tokenizer::Encoder::splitBytes(std::string_view word, Symbols &s) {
  const int32_t *byteTokens = t.table->byte_tokens()->data();
  s.count = 0;
  for (uint32_t i = 0; i < word.size(); ++i) {
    int32_t id = byteTokens[uint8_t(word[i])];
    if (id < 0) {
      lostBytes = true;
      continue;
    }
    s.id[s.count] = uint32_t(id);
    s.begin[s.count++] = i;
  }
}

void Tokenizer::Encoder::splitCharacters(std::string_view word, Symbols &s) const {
  s.count = 0;
  for (size_t offset = 0; offset < word.size();) {
    Character c = decodeCharacter(word.data() + offset, word.size() - offset);
    s.id[s.count] = t.lookUp(word.data() + offset, c.length);
    s.begin[s.count++] = uint32_t(offset);
    offset += c.length;
  }
}

/// SentencePiece: a character that is no token becomes a token for each byte, or the unknown token.
void Tokenizer::Encoder::emitBytes(std::string_view bytes) {
  const int32_t *byteTokens = t.table->byte_tokens()->data();
  for (char c : bytes) {
    if (int32_t id = byteTokens[uint8_t(c)]; id >= 0) {
      emit(id);
      continue;
    }
    lostBytes = true;
    return emit(t.table->unk());
  }
}

/// The best cut of a text up to a place in it.
struct Cut {
  double score;
  uint32_t begin; // of its last piece
  uint32_t id;
};
static_assert(sizeof(Cut) < Symbols::BytesEach, "the cuts lie where the symbols of the other families do");

/// Unigram: the cut into pieces of the highest sum of scores (Viterbi); of equal ones that whose last piece is longest.
/// A character that is no token counts as one of unknown_score.
void Tokenizer::Encoder::encodeUnigram(std::string_view word) {
  auto *best = reinterpret_cast<Cut *>(workspace.data());
  auto size = uint32_t(word.size());
  for (uint32_t end = 0; end <= size; ++end)
    best[end] = {0, NoSymbol, NoToken};
  auto offer = [&](uint32_t begin, uint32_t end, double score, uint32_t id) {
    if (best[end].begin == NoSymbol || best[begin].score + score > best[end].score)
      best[end] = {best[begin].score + score, begin, id};
  };
  for (uint32_t begin = 0; begin < size;) {
    uint32_t length = decodeCharacter(word.data() + begin, size - begin).length;
    bool covered = false;
    uint32_t node = 0;
    for (uint32_t end = begin; end < size;) {
      uint32_t edge = t.rankOfMerge(node, uint8_t(word[end++]));
      if (edge == EmptySlot)
        break;
      node = edge + 1;
      uint32_t id = t.merges[edge].merged();
      if (id == NoToken)
        continue;
      offer(begin, end, t.scores[id], id);
      covered |= end - begin == length;
    }
    if (!covered)
      offer(begin, begin + length, t.table->unknown_score(), NoToken);
    begin += length;
  }
  // The chain of begins leads back; turned around it leads through the text.
  uint32_t next = NoSymbol;
  for (uint32_t end = size; end != 0;) {
    uint32_t begin = best[end].begin;
    best[end].begin = next;
    next = end;
    end = begin;
  }
  for (uint32_t begin = 0, end = next; end != NoSymbol; begin = end, end = best[end].begin) {
    if (best[end].id != NoToken) {
      emit(int32_t(best[end].id));
      continue;
    }
    // A run of unknown characters is one.
    while (best[end].begin != NoSymbol && best[best[end].begin].id == NoToken)
      end = best[end].begin;
    emitBytes(word.substr(begin, end - begin));
  }
}

void Tokenizer::Encoder::encodeWord(std::string_view word) {
  if (word.size() <= t.maxTokenBytes())
    if (uint32_t id = t.lookUp(word.data(), word.size()); id != NoToken && (t.flags[id] & FlagDirect))
      return emit(int32_t(id));

  if (kind == schema::TokenizerKind::Unigram)
    return encodeUnigram(word);

  Symbols s;
  s.text = word.data();
  s.textSize = uint32_t(word.size());
  s.place(workspace.data(), s.textSize);
  if (kind == schema::TokenizerKind::SentencePiece) {
    splitCharacters(word, s);
    TextPairs pairs{t};
    Merger<TextPairs>(s, pairs).run();
  } else {
    kind == schema::TokenizerKind::ByteBPE ? splitBytes(word, s) : splitCharacters(word, s);
    IdPairs pairs{t};
    Merger<IdPairs>(s, pairs).run();
  }
  for (uint32_t i = s.count ? 0 : NoSymbol; i != NoSymbol; i = s.next[i]) {
    if (s.id[i] != NoToken)
      emit(int32_t(s.id[i]));
    else
      emitBytes(word.substr(s.begin[i], s.endOf(i) - s.begin[i]));
  }
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
