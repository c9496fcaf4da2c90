//===- Tokenizer.cpp - the tables of a tokenizer, and decoding -------------===//
//
// See Tokenizer.h. Encoding is in Encode.cpp.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Tokenizer.h"

#include "runtime/text/TextHash.h"
#include "runtime/text/TokenizerImpl.h"
#include "runtime/text/WordScanner.h"

#include <bit>

namespace nibble::rt {

static bool sizesAgree(const schema::Spellings *list) {
  return !list || (list->first()->size() == 257 && list->first()->Get(256) == list->ids()->size() &&
                   list->offsets()->size() == list->ids()->size() + 1 &&
                   list->offsets()->Get(list->ids()->size()) == list->bytes()->size());
}

/// Constant-time sanity of the sizes. What lies inside the tables was checked by the compiler that wrote them.
static bool sizesAgree(const schema::Tokenizer &table) {
  uint32_t tokens = table.token_flags()->size();
  if (tokens == 0 || tokens > (1u << 24) || table.token_offsets()->size() != tokens + 1)
    return false;
  if (table.token_offsets()->Get(tokens) != table.token_bytes()->size() || table.byte_tokens()->size() != 256)
    return false;
  if (!std::has_single_bit(table.token_slots()->size()) || table.token_slots()->size() <= tokens)
    return false;
  using schema::TokenizerKind;
  if (table.kind() == TokenizerKind::SentencePiece) {
    if (!table.ranks() || table.ranks()->size() != tokens)
      return false;
  } else {
    if (!table.merges() || !table.merge_slots())
      return false;
    if (!std::has_single_bit(table.merge_slots()->size()) || table.merge_slots()->size() <= table.merges()->size())
      return false;
  }
  if (table.kind() == TokenizerKind::Unigram && (!table.scores() || table.scores()->size() != tokens))
    return false;
  if (table.pre() == schema::PreTokenizer::Patterns) {
    if (!table.patterns() || table.patterns()->size() == 0 || table.patterns()->size() > WordScanner::MaxPatterns)
      return false;
    if (!table.class_blocks() || !table.classes())
      return false;
    if (table.class_blocks()->size() != ClassBlockCount || table.classes()->size() % ClassBlockSize != 0)
      return false;
  }
  if (table.kind() == TokenizerKind::WordPiece && table.unk() < 0)
    return false;
  if (table.pre() == schema::PreTokenizer::Pairs && (!table.joins() || table.joins()->size() != 256 * 256 / 8))
    return false;
  return sizesAgree(table.specials()) && sizesAgree(table.normalized_specials());
}

TextError Tokenizer::open(const schema::Tokenizer *table, Tokenizer &tokenizer) {
  if (!table || !sizesAgree(*table))
    return TextError::BadTable;
  tokenizer = Tokenizer();
  tokenizer.table = table;
  tokenizer.offsets = table->token_offsets()->data();
  tokenizer.bytes = reinterpret_cast<const char *>(table->token_bytes()->data());
  tokenizer.flags = table->token_flags()->data();
  tokenizer.slots = table->token_slots()->data();
  tokenizer.slotMask = table->token_slots()->size() - 1;
  tokenizer.vocabulary = table->token_flags()->size();
  if (table->merges() && table->merge_slots()) {
    tokenizer.merges = reinterpret_cast<const schema::Merge *>(table->merges()->Data());
    tokenizer.mergeSlots = table->merge_slots()->data();
    tokenizer.mergeMask = table->merge_slots()->size() - 1;
  }
  if (table->ranks())
    tokenizer.ranks = table->ranks()->data();
  if (table->scores())
    tokenizer.scores = table->scores()->data();
  return TextError::None;
}

uint8_t Tokenizer::typeOf(uint32_t id) const { return flags[id] & TypeMask; }

std::string_view Tokenizer::tokenBytes(int32_t id) const {
  if (!isToken(id))
    return {};
  return {bytes + offsets[id], offsets[id + 1] - offsets[id]};
}

bool Tokenizer::isControl(int32_t id) const { return isToken(id) && typeOf(id) == TypeControl; }

bool Tokenizer::isEndOfGeneration(int32_t id) const {
  const auto *ends = table->end_of_generation();
  for (uint32_t i = 0; ends && i < ends->size(); ++i)
    if (ends->Get(i) == id)
      return true;
  return false;
}

uint32_t Tokenizer::lookUp(const char *text, size_t size) const {
  for (uint32_t slot = hashBytes(text, size) & slotMask; slots[slot] != EmptySlot; slot = (slot + 1) & slotMask) {
    uint32_t id = slots[slot], begin = offsets[id];
    if (offsets[id + 1] - begin == size && std::memcmp(bytes + begin, text, size) == 0)
      return id;
  }
  return NoToken;
}

uint32_t Tokenizer::rankOfMerge(uint32_t left, uint32_t right) const {
  for (uint32_t slot = hashPair(left, right) & mergeMask; mergeSlots[slot] != EmptySlot;
       slot = (slot + 1) & mergeMask) {
    const schema::Merge &merge = merges[mergeSlots[slot]];
    if (merge.left() == left && merge.right() == right)
      return mergeSlots[slot];
  }
  return EmptySlot;
}

int32_t Tokenizer::find(std::string_view text) const {
  if (uint32_t id = lookUp(text.data(), text.size()); id != NoToken)
    return int32_t(id);
  for (const schema::Spellings *list : {table->specials(), table->normalized_specials()})
    for (uint32_t i = 0; list && i < list->ids()->size(); ++i)
      if (auto id = int32_t(list->ids()->Get(i)); tokenBytes(id) == text)
        return id;
  return -1;
}

TextError Tokenizer::decode(std::span<const int32_t> ids, const DecodeOptions &options, std::span<char> output,
                            size_t &size) const {
  bool dropSpace = options.atBeginning && dropsLeadingSpace();
  for (int32_t id : ids) {
    if (!isToken(id))
      return TextError::BadToken;
    if (isControl(id) && !options.control)
      continue;
    std::string_view text = tokenBytes(id);
    if (dropSpace && !isControl(id)) {
      if (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
      dropSpace = false;
    }
    if (text.size() > output.size() - size)
      return TextError::OutputTooSmall;
    std::memcpy(output.data() + size, text.data(), text.size());
    size += text.size();
  }
  return TextError::None;
}

} // namespace nibble::rt
