//===- EncodeWord.cpp - a word to token ids --------------------------------===//
//
// See Encoder.h. Bytes or characters merge in the order of their ranks, or a trie
// of the vocabulary finds the pieces.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Encoder.h"
#include "runtime/text/TextHash.h"
#include "runtime/text/UTF8.h"

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
  auto *best = reinterpret_cast<Cut *>(symbols.data());
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
    for (uint32_t end = begin; end < size; ++steps) {
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

/// WordPiece: the longest piece at each place, from the left; where none fits, the whole word is unknown.
void Tokenizer::Encoder::encodeWordPiece(std::string_view word) {
  size_t before = count, characters = 0;
  for (size_t offset = 0; offset < word.size(); ++characters)
    offset += decodeCharacter(word.data() + offset, word.size() - offset).length;
  bool known = characters <= t.table->max_word_characters();
  // The pieces that begin a word are those with a space in front.
  uint32_t space = t.rankOfMerge(0, ' ');
  uint32_t node = space + 1; // 0 if there is none
  known &= space != EmptySlot;
  for (size_t begin = 0, end = 0; known && begin < word.size(); begin = end, node = 0) {
    uint32_t id = NoToken;
    for (size_t i = begin; i < word.size(); ++steps) {
      uint32_t edge = t.rankOfMerge(node, uint8_t(word[i++]));
      if (edge == EmptySlot)
        break;
      node = edge + 1;
      if (t.merges[edge].merged() != NoToken) {
        id = t.merges[edge].merged();
        end = i;
      }
    }
    known = id != NoToken;
    emit(int32_t(id));
  }
  if (known)
    return;
  count = before;
  emit(t.table->unk());
}

template <typename Pairs> void Tokenizer::Encoder::merge(Symbols &s, const Pairs &pairs) {
  Merger<Pairs> merger(s, pairs);
  merger.run();
  steps += merger.steps();
}

void Tokenizer::Encoder::encodeWord(std::string_view word) {
  // A WordPiece that begins a word is written with a space before it.
  if (word.size() <= t.maxTokenBytes() && kind != schema::TokenizerKind::WordPiece)
    if (uint32_t id = t.lookUp(word.data(), word.size()); id != NoToken && (t.flags[id] & FlagDirect))
      return emit(int32_t(id));

  if (kind == schema::TokenizerKind::WordPiece)
    return encodeWordPiece(word);
  // Normalization may have made the text longer than the workspace was planned for.
  if (Symbols::BytesEach * (word.size() + 1) > symbols.size()) {
    error = TextError::WorkspaceTooSmall;
    return;
  }
  if (kind == schema::TokenizerKind::Unigram)
    return encodeUnigram(word);

  Symbols s;
  s.text = word.data();
  s.textSize = uint32_t(word.size());
  s.place(symbols.data(), s.textSize);
  if (kind == schema::TokenizerKind::SentencePiece) {
    splitCharacters(word, s);
    merge(s, TextPairs{t});
  } else {
    kind == schema::TokenizerKind::ByteBPE ? splitBytes(word, s) : splitCharacters(word, s);
    merge(s, IdPairs{t});
  }
  for (uint32_t i = s.count ? 0 : NoSymbol; i != NoSymbol; i = s.next[i]) {
    if (s.id[i] != NoToken)
      emit(int32_t(s.id[i]));
    else
      emitBytes(word.substr(s.begin[i], s.endOf(i) - s.begin[i]));
  }
}

} // namespace nibble::rt
