//===- TokenizerBuilder.cpp - From vocabulary to tables -------------------===//
//
// See TokenizerBuilder.h. The steps stand in the order in which they run; each
// fills some vectors of TokenizerTables and returns an error where the source is wrong.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/TokenizerBuilder.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/ByteAlphabet.h"
#include "compiler/Import/Text/NormalizerBuilder.h"
#include "compiler/Import/Text/PreTokenizers.h"
#include "compiler/Import/Text/TokenizerTables.h"
#include "compiler/Import/Text/WordPatterns.h"
#include "runtime/text/TextHash.h"
#include "runtime/text/Tokenizer.h"
#include "runtime/text/TokenizerImpl.h"
#include "runtime/text/WordScanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using schema::PreTokenizer;
using schema::TokenizerKind;

/// The runtime keeps ids in 24 bits of its checks; the largest vocabularies have 2^18.
static constexpr size_t MaxVocabulary = 1u << 24;

/// Names of the tokens that end a turn or a text in the instruct models of the supported families.
static constexpr StringRef endOfTurnNames[] = {
    "<|im_end|>",  "<|eot_id|>",      "<|eom_id|>",    "<|end_of_text|>", "<|endoftext|>",
    "<|end|>",     "<end_of_turn>",   "<turn|>",       "<|eot|>",         "</s>",
    "<eos>",       "<|end_of_turn|>", "<|return|>",    "<|END_OF_TURN_TOKEN|>",
};

namespace {

class Builder {
public:
  explicit Builder(const TokenizerSource &source) : source(source) {}

  Error run();
  llvm::Expected<flatbuffers::Offset<schema::Tokenizer>> write(flatbuffers::FlatBufferBuilder &builder) const;

private:
  Error chooseModel();
  Error chooseByteLevel();
  Error chooseWordPiece();
  Error checkIds() const;
  Error readTypes();
  Error decodeTokens();
  Error findByteTokens();
  void hashTokens();
  Error readMerges();
  Error rankScores();
  Error checkScores() const;
  Error plantTrie();
  void hashMerges();
  void chooseWords();
  Error listSpecials();
  void listEnds();
  Error markDirectWords();

  uint8_t typeOf(size_t id) const { return t.flags[id] & rt::TypeMask; }
  bool isByteLevel() const { return t.kind == TokenizerKind::ByteBPE; }
  Error buildPairs();

  const TokenizerSource &source;
  std::vector<NormalizerStepSource> normalizer;
  std::vector<WordPatternSource> patterns;
  TokenizerTables t;
};

} // namespace

Error Builder::chooseByteLevel() {
  t.kind = TokenizerKind::ByteBPE;
  t.ignoreMerges = source.ignoreMerges.value_or(false);
  t.addBos = source.addBos.value_or(false);
  if (source.addSpacePrefix.value_or(false))
    return unsupported("tokenizer.ggml.add_space_prefix is true in a byte-level BPE model; supported is false");
  if (source.spacePrefix == "missing")
    t.spacePrefix = schema::SpacePrefix::IfMissing;
  else if (!source.spacePrefix.empty() && source.spacePrefix != "none")
    return unsupported("the normalizer puts U+2581 before the text of a byte-level BPE model");
  if (source.patterns)
    return Error::success();
  const PreTokenizerRow *row = findPreTokenizer(source.pre);
  if (!row)
    return unsupported(Twine("tokenizer.ggml.pre is ") + (source.pre.empty() ? "absent" : quote(source.pre)) +
                       "; supported are " + listPreTokenizers());
  for (StringRef pattern : row->patterns)
    patterns.push_back({pattern.str()});
  t.ignoreMerges = source.ignoreMerges.value_or(row->ignoreMerges);
  t.addBos = source.addBos.value_or(row->addBos);
  if (row->composes)
    normalizer = {{"NFC", "", ""}};
  return Error::success();
}

/// BERT's: words begin with U+2581 in GGUF, and what continues a word is bare.
Error Builder::chooseWordPiece() {
  t.kind = TokenizerKind::WordPiece;
  t.addBos = source.addBos.value_or(true);
  if (source.unk < 0)
    return malformed("tokenizer.ggml.unknown_token_id is absent; words that no pieces make need it");
  normalizer = {{"Bert", "clean chinese accents lowercase", ""}};
  patterns = {{R"(\s+)", /*keepsMatches=*/false}, {getPunctuationPattern().str()}};
  return Error::success();
}

Error Builder::chooseModel() {
  if (source.model == "llama") {
    t.kind = TokenizerKind::SentencePiece;
    t.addBos = source.addBos.value_or(true);
    if (source.addSpacePrefix.value_or(true))
      t.spacePrefix = schema::SpacePrefix::Always;
    if (source.removeExtraWhitespaces)
      return unsupported("tokenizer.ggml.remove_extra_whitespaces is true; Nibble keeps white space as it is");
  } else if (source.model == "gpt2") {
    if (Error error = chooseByteLevel())
      return error;
  } else if (source.model == "bert") {
    if (Error error = chooseWordPiece())
      return error;
  } else if (source.model == "bpe" || source.model == "unigram") {
    t.kind = source.model == "bpe" ? TokenizerKind::CharacterBPE : TokenizerKind::Unigram;
    t.ignoreMerges = source.ignoreMerges.value_or(false);
    t.addBos = source.addBos.value_or(false);
    t.spacePrefix = llvm::StringSwitch<schema::SpacePrefix>(source.spacePrefix)
                        .Case("each", schema::SpacePrefix::Always)
                        .Case("missing", schema::SpacePrefix::IfMissing)
                        .Case("first", schema::SpacePrefix::IfMissingAtBeginning)
                        .Default(schema::SpacePrefix::Never);
  } else {
    return unsupported("tokenizer.ggml.model is " + quote(source.model) +
                       "; supported are gpt2 (byte-level BPE), llama (SentencePiece BPE), bpe (of characters), unigram "
                       "and bert (WordPiece)");
  }
  t.addEos = source.addEos.value_or(source.model == "bert");
  if (source.normalizer)
    normalizer = *source.normalizer;
  if (source.patterns)
    patterns = *source.patterns;
  return Error::success();
}

Error Builder::checkIds() const {
  size_t count = source.tokens.size();
  if (count == 0 || count > MaxVocabulary)
    return malformed("tokenizer.ggml.tokens has " + Twine(count) + " entries; expected 1 to " + Twine(MaxVocabulary));
  struct {
    StringRef key;
    int32_t id;
  } ids[] = {
      {"bos", source.bos}, {"eos", source.eos}, {"eot", source.eot}, {"unknown", source.unk}, {"padding", source.pad}};
  for (auto [key, id] : ids)
    if (id < -1 || (id >= 0 && static_cast<size_t>(id) >= count))
      return malformed("tokenizer.ggml." + key + "_token_id is " + Twine(id) + "; the vocabulary has " + Twine(count) +
                       " tokens");
  return Error::success();
}

/// A byte token's name is <0xHH>; returns the byte or -1.
static int byteOfName(StringRef name) {
  unsigned value;
  if (name.size() != 6 || !name.consume_front("<0x") || !name.consume_back(">") || name.getAsInteger(16, value))
    return -1;
  return static_cast<int>(value);
}

Error Builder::readTypes() {
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

Error Builder::decodeTokens() {
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

Error Builder::findByteTokens() {
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
void Builder::hashTokens() {
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

Error Builder::readMerges() {
  llvm::StringMap<uint32_t> idOf;
  for (size_t id = 0; id < source.tokens.size(); ++id)
    idOf.try_emplace(source.tokens[id], static_cast<uint32_t>(id));
  for (auto [rank, merge] : llvm::enumerate(source.merges)) {
    size_t space = StringRef(merge).find(' ', 1);
    if (space == StringRef::npos)
      return malformed("tokenizer.ggml.merges entry " + Twine(rank) + " is " + quote(merge) +
                       "; expected two tokens with a space between");
    StringRef left = StringRef(merge).take_front(space), right = StringRef(merge).drop_front(space + 1);
    std::string whole = left.str() + right.str();
    uint32_t ids[3];
    StringRef names[3] = {left, right, whole};
    for (int i = 0; i < 3; ++i) {
      auto found = idOf.find(names[i]);
      if (found == idOf.end())
        return malformed("tokenizer.ggml.merges entry " + Twine(rank) + " needs the token " + quote(names[i]) +
                         ", which the vocabulary lacks");
      ids[i] = found->second;
    }
    t.merges.emplace_back(ids[0], ids[1], ids[2]);
  }
  hashMerges();
  return Error::success();
}

/// By (left, right); of equal pairs the first counts.
void Builder::hashMerges() {
  t.mergeSlots.assign(llvm::NextPowerOf2(t.merges.size() + t.merges.size() / 2 + 1), rt::EmptySlot);
  uint32_t mask = static_cast<uint32_t>(t.mergeSlots.size()) - 1;
  for (auto [rank, merge] : llvm::enumerate(t.merges)) {
    uint32_t slot = rt::hashPair(merge.left(), merge.right()) & mask;
    auto differs = [&, &merge = merge](uint32_t other) {
      return t.merges[other].left() != merge.left() || t.merges[other].right() != merge.right();
    };
    while (t.mergeSlots[slot] != rt::EmptySlot && differs(t.mergeSlots[slot]))
      slot = (slot + 1) & mask;
    if (t.mergeSlots[slot] == rt::EmptySlot)
      t.mergeSlots[slot] = static_cast<uint32_t>(rank);
  }
}

Error Builder::checkScores() const {
  if (source.scores.size() != source.tokens.size())
    return malformed("tokenizer.ggml.scores has " + Twine(source.scores.size()) + " entries for " +
                     Twine(source.tokens.size()) + " tokens");
  if (auto bad = llvm::find_if(source.scores, [](double score) { return std::isnan(score); });
      bad != source.scores.end())
    return malformed("tokenizer.ggml.scores of token " + Twine(bad - source.scores.begin()) + " is not a number");
  return Error::success();
}

/// SentencePiece: the highest score merges first.
Error Builder::rankScores() {
  if (Error error = checkScores())
    return error;
  std::vector<double> sorted = source.scores;
  llvm::sort(sorted, std::greater<double>());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  for (double score : source.scores)
    t.ranks.push_back(static_cast<uint32_t>(
        std::lower_bound(sorted.begin(), sorted.end(), score, std::greater<double>()) - sorted.begin()));
  return Error::success();
}

/// Unigram and WordPiece: an edge of the trie for each byte of each piece.
Error Builder::plantTrie() {
  bool scored = t.kind == TokenizerKind::Unigram;
  if (Error error = scored ? checkScores() : Error::success())
    return error;
  double lowest = 0;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> edges;
  for (size_t id = 0; id < t.bytes.size(); ++id) {
    t.scores.push_back(scored ? source.scores[id] : 0);
    if (typeOf(id) != rt::TypeNormal || t.bytes[id].empty())
      continue;
    lowest = std::min(lowest, t.scores.back());
    uint32_t node = 0;
    for (char byte : t.bytes[id]) {
      auto [edge, inserted] = edges.try_emplace({node, static_cast<uint8_t>(byte)}, t.merges.size());
      if (inserted)
        t.merges.emplace_back(node, static_cast<uint8_t>(byte), rt::NoToken);
      node = edge->second + 1;
    }
    const schema::Merge &last = t.merges[node - 1];
    if (last.merged() == rt::NoToken)
      t.merges[node - 1] = schema::Merge(last.left(), last.right(), static_cast<uint32_t>(id));
  }
  // SentencePiece's penalty for what it does not know.
  t.unknownScore = lowest - 10;
  hashMerges();
  return Error::success();
}

/// Cuts that no merge reaches across, where the merges alone decide.
void Builder::chooseWords() {
  if (source.cutsAtEachSpace) {
    t.pre = PreTokenizer::EachSpace;
  } else if (t.kind == TokenizerKind::SentencePiece) {
    t.pre = PreTokenizer::Pairs;
    for (size_t id = 0; id < t.bytes.size(); ++id)
      if (typeOf(id) == rt::TypeNormal)
        t.joins.addToken(t.bytes[id]);
  } else if (t.kind == TokenizerKind::CharacterBPE && !t.ignoreMerges) {
    t.pre = PreTokenizer::Pairs;
    for (const schema::Merge &merge : t.merges)
      if (!t.bytes[merge.left()].empty() && !t.bytes[merge.right()].empty())
        t.joins.addMerge(t.bytes[merge.left()], t.bytes[merge.right()]);
  } else {
    // Unigram's sums would round otherwise in each word, which decides between cuts of equal sums.
    t.pre = PreTokenizer::Whole;
  }
}

/// What is merged, and where text is cut.
Error Builder::buildPairs() {
  bool merges = t.kind == TokenizerKind::ByteBPE || t.kind == TokenizerKind::CharacterBPE;
  if (Error error = merges ? readMerges() : t.kind == TokenizerKind::SentencePiece ? rankScores() : plantTrie())
    return error;
  if (patterns.empty()) {
    chooseWords();
    return Error::success();
  }
  t.pre = PreTokenizer::Patterns;
  if (patterns.size() > rt::WordScanner::MaxPatterns)
    return unsupported("the pre-tokenizer has " + Twine(patterns.size()) + " steps; supported are " +
                       Twine(rt::WordScanner::MaxPatterns));
  auto built = buildWordPatterns(patterns);
  if (!built)
    return built.takeError();
  t.words = std::move(*built);
  return Error::success();
}

/// Tokens that text names, as it does before or after it is normalized.
Error Builder::listSpecials() {
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
      return unsupported("the control token " + quote(source.tokens[id]) + " is recognised in normalized text "
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

void Builder::listEnds() {
  for (size_t id = 0; id < t.bytes.size(); ++id) {
    auto number = static_cast<int32_t>(id);
    bool named = (typeOf(id) == rt::TypeControl || typeOf(id) == rt::TypeUserDefined) &&
                 llvm::is_contained(endOfTurnNames, StringRef(source.tokens[id]));
    if (number == source.eos || number == source.eot || named || llvm::is_contained(source.ends, number))
      t.ends.push_back(number);
  }
}

/// Encodes every token's bytes with the tables so far: where the token comes back alone, its words need no merging.
Error Builder::markDirectWords() {
  if (t.kind == TokenizerKind::WordPiece)
    return Error::success();
  flatbuffers::FlatBufferBuilder scratch;
  scratch.Finish(writeTables(t, source, {}, scratch));
  rt::Tokenizer tokenizer;
  if (rt::TextError error =
          rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(scratch.GetBufferPointer()), tokenizer);
      error != rt::TextError::None)
    return malformed(Twine("the tokenizer's tables can't be read back: ") + rt::describe(error));
  std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(t.maxTokenBytes));
  std::vector<int32_t> ids(rt::Tokenizer::maxTokens(t.maxTokenBytes));
  for (size_t id = 0; id < t.bytes.size(); ++id) {
    if (typeOf(id) != rt::TypeNormal)
      continue;
    size_t count = 0;
    bool known = tokenizer.encodeWord(t.bytes[id], workspace, ids, count) == rt::TextError::None;
    bool alone = known && count == 1 && ids[0] == static_cast<int32_t>(id);
    if (alone || t.ignoreMerges)
      t.flags[id] |= rt::FlagDirect;
  }
  return Error::success();
}

Error Builder::run() {
  if (Error error = chooseModel())
    return error;
  if (Error error = checkIds())
    return error;
  if (Error error = readTypes())
    return error;
  if (Error error = decodeTokens())
    return error;
  if (Error error = findByteTokens())
    return error;
  hashTokens();
  if (Error error = buildPairs())
    return error;
  if (Error error = listSpecials())
    return error;
  listEnds();
  return markDirectWords();
}

llvm::Expected<flatbuffers::Offset<schema::Tokenizer>> Builder::write(flatbuffers::FlatBufferBuilder &builder) const {
  auto steps = buildNormalizer(normalizer, builder);
  if (!steps)
    return steps.takeError();
  return writeTables(t, source, *steps, builder);
}

llvm::Expected<flatbuffers::Offset<schema::Tokenizer>>
nibble::buildTokenizer(const TokenizerSource &source, flatbuffers::FlatBufferBuilder &builder) {
  Builder tables(source);
  if (Error error = tables.run())
    return std::move(error);
  return tables.write(builder);
}

llvm::Expected<std::vector<uint8_t>> nibble::buildTokenizer(const TokenizerSource &source) {
  flatbuffers::FlatBufferBuilder builder;
  auto table = buildTokenizer(source, builder);
  if (!table)
    return table.takeError();
  builder.Finish(*table);
  return std::vector<uint8_t>(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
}
