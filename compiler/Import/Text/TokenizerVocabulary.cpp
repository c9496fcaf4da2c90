//===- TokenizerVocabulary.cpp - Tokens, their bytes and types ------------===//
//
// See TokenizerBuilderImpl.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/ByteAlphabet.h"
#include "compiler/Import/Text/TokenizerBuilderImpl.h"
#include "runtime/text/TextHash.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using schema::TokenizerKind;

/// Names of the tokens that end a turn or a text in the instruct models of the supported families.
static constexpr StringRef endOfTurnNames[] = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end|>",
    "<turn|>",
    "<|eot|>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<|return|>",
    "<|end_of_turn|>",
    "<|END_OF_TURN_TOKEN|>",
};

/// A byte token's name is <0xHH>; returns the byte or -1.
static int byteOfName(StringRef name) {
  unsigned value;
  if (name.size() != 6 || !name.consume_front("<0x") || !name.consume_back(">") || name.getAsInteger(16, value))
    return -1;
  return static_cast<int>(value);
}

Error TokenizerBuilder::readTypes() {
  size_t count = source.tokens.size();
  if (!source.types.empty() && source.types.size() != count)
    return malformed("tokenizer.ggml.token_type has " + Twine(source.types.size()) + " entries for " + Twine(count) +
                     " tokens");
  for (size_t id = 0; id < count; ++id) {
    int32_t type = rt::TypeNormal;
    if (!source.types.empty()) {
      type = source.types[id];
      // 0 is "undefined"; converters write it for padding of the embedding.
      if (type == 0)
        type = rt::TypeUnused;
      if (type < rt::TypeNormal || type > rt::TypeByte)
        return malformed("tokenizer.ggml.token_type of token " + Twine(id) + " is " + Twine(type) +
                         "; expected 0 to 6");
    } else if (static_cast<int32_t>(id) == source.bos || static_cast<int32_t>(id) == source.eos) {
      type = rt::TypeControl;
    } else if (!isByteLevel() && byteOfName(source.tokens[id]) >= 0) {
      type = rt::TypeByte;
    }
    uint8_t matching = id < source.matching.size() ? source.matching[id] : 0;
    t.flags.push_back(static_cast<uint8_t>(type | (matching & StripsLeft ? rt::FlagStripLeft : 0) |
                                           (matching & StripsRight ? rt::FlagStripRight : 0)));
  }
  return Error::success();
}

/// U+2581, LOWER ONE EIGHTH BLOCK: how SentencePiece writes a space.
static constexpr StringRef spaceMark = "\xE2\x96\x81";

static std::string spacesFromPiece(StringRef piece) {
  std::string text;
  while (!piece.empty()) {
    if (piece.consume_front(spaceMark))
      text += ' ';
    else
      text += piece.front(), piece = piece.drop_front();
  }
  return text;
}

Error TokenizerBuilder::decodeTokens() {
  for (size_t id = 0; id < source.tokens.size(); ++id) {
    StringRef name = source.tokens[id];
    std::string text = name.str();
    if (typeOf(id) == rt::TypeByte) {
      int byte = byteOfName(name);
      if (byte < 0)
        return malformed("token " + Twine(id) + " is a byte token named " + quote(name) +
                         "; expected <0x00> to <0xFF>");
      text = std::string(1, static_cast<char>(byte));
    } else if (typeOf(id) == rt::TypeNormal || typeOf(id) == rt::TypeUnused) {
      // A byte-level token that holds a character outside the alphabet is one added by name.
      if (t.kind == TokenizerKind::WordPiece)
        text = (name.consume_front(spaceMark) ? " " : "") + name.str();
      else if (!isByteLevel())
        text = spacesFromPiece(name);
      else if (auto decoded = decodeByteLevel(name))
        text = std::move(*decoded);
    }
    t.maxTokenBytes = std::max<uint32_t>(t.maxTokenBytes, text.size());
    t.bytes.push_back(std::move(text));
  }
  t.offsets.push_back(0);
  for (const std::string &text : t.bytes) {
    t.text.insert(t.text.end(), text.begin(), text.end());
    t.offsets.push_back(static_cast<uint32_t>(t.text.size()));
  }
  return Error::success();
}

Error TokenizerBuilder::findByteTokens() {
  uint8_t wanted = isByteLevel() ? rt::TypeNormal : rt::TypeByte;
  for (size_t id = 0; id < t.bytes.size(); ++id)
    if (typeOf(id) == wanted && t.bytes[id].size() == 1)
      if (int32_t &entry = t.byteTokens[static_cast<uint8_t>(t.bytes[id][0])]; entry < 0)
        entry = static_cast<int32_t>(id);
  // Byte-level vocabularies may lack bytes that their training text lacked; encoding reports such bytes.
  for (int byte = 0; byte < 256 && !isByteLevel(); ++byte)
    if (t.byteTokens[byte] < 0 && source.unk < 0)
      return malformed("no token stands for the byte 0x" + Twine::utohexstr(byte) +
                       " and tokenizer.ggml.unknown_token_id is absent");
  return Error::success();
}

/// The tokens that text can become by merging, by their bytes. Of equal ones the first counts.
void TokenizerBuilder::hashTokens() {
  t.tokenSlots.assign(llvm::NextPowerOf2(t.bytes.size() + t.bytes.size() / 2), rt::EmptySlot);
  uint32_t mask = static_cast<uint32_t>(t.tokenSlots.size()) - 1;
  for (size_t id = 0; id < t.bytes.size(); ++id) {
    if (typeOf(id) != rt::TypeNormal || t.bytes[id].empty())
      continue;
    uint32_t slot = rt::hashBytes(t.bytes[id].data(), t.bytes[id].size()) & mask;
    while (t.tokenSlots[slot] != rt::EmptySlot && t.bytes[t.tokenSlots[slot]] != t.bytes[id])
      slot = (slot + 1) & mask;
    if (t.tokenSlots[slot] == rt::EmptySlot)
      t.tokenSlots[slot] = static_cast<uint32_t>(id);
  }
}

/// Tokens that text names, as it does before or after it is normalized.
Error TokenizerBuilder::listSpecials() {
  for (size_t id = 0; id < t.bytes.size(); ++id) {
    uint8_t type = typeOf(id);
    if (type != rt::TypeControl && type != rt::TypeUserDefined && type != rt::TypeUnknown)
      continue;
    bool isNormalized = id < source.matching.size() && source.matching[id] & InNormalizedText;
    if (!isNormalized) {
      t.specials.emplace_back(t.bytes[id], static_cast<uint32_t>(id));
      continue;
    }
    // Which parts of a text are the template's is known of the text as it was given.
    if (type == rt::TypeControl && !normalizer.empty())
      return unsupported("the control token " + quote(source.tokens[id]) +
                         " is recognised in normalized text "
                         "(\"normalized\": true); supported is that where the tokenizer normalizes nothing");
    auto spelling = normalize(normalizer, t.bytes[id]);
    if (!spelling)
      return spelling.takeError();
    if (!isByteLevel())
      *spelling = spacesFromPiece(*spelling);
    if (t.spacePrefix == schema::SpacePrefix::Always)
      spelling->insert(0, " ");
    t.normalizedSpecials.emplace_back(*spelling, static_cast<uint32_t>(id));
  }
  return Error::success();
}

void TokenizerBuilder::listEnds() {
  for (size_t id = 0; id < t.bytes.size(); ++id) {
    auto number = static_cast<int32_t>(id);
    bool named = (typeOf(id) == rt::TypeControl || typeOf(id) == rt::TypeUserDefined) &&
                 llvm::is_contained(endOfTurnNames, StringRef(source.tokens[id]));
    if (number == source.eos || number == source.eot || named || llvm::is_contained(source.ends, number))
      t.ends.push_back(number);
  }
}
