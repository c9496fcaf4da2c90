//===- TokenizerBuilder.cpp - From vocabulary to tables -------------------===//
//
// See TokenizerBuilder.h: which tokenizer it is, and the steps in the order in which they run.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/TokenizerBuilder.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/PreTokenizers.h"
#include "compiler/Import/Text/TokenizerBuilderImpl.h"
#include "runtime/text/Tokenizer.h"

#include "llvm/ADT/StringSwitch.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using schema::TokenizerKind;

/// The runtime keeps ids in 24 bits of its checks; the largest vocabularies have 2^18.
static constexpr size_t MaxVocabulary = 1u << 24;

Error TokenizerBuilder::chooseByteLevel() {
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
Error TokenizerBuilder::chooseWordPiece() {
  t.kind = TokenizerKind::WordPiece;
  t.addBos = source.addBos.value_or(true);
  if (source.unk < 0)
    return malformed("tokenizer.ggml.unknown_token_id is absent; words that no pieces make need it");
  normalizer = {{"Bert", "clean chinese accents lowercase", ""}};
  patterns = {{R"(\s+)", /*keepsMatches=*/false}, {getPunctuationPattern().str()}};
  return Error::success();
}

Error TokenizerBuilder::chooseModel() {
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

Error TokenizerBuilder::checkIds() const {
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

/// Encodes every token's bytes with the tables so far: where the token comes back alone, its words need no merging.
Error TokenizerBuilder::markDirectWords() {
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

Error TokenizerBuilder::run() {
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

llvm::Expected<flatbuffers::Offset<schema::Tokenizer>>
TokenizerBuilder::write(flatbuffers::FlatBufferBuilder &builder) const {
  auto steps = buildNormalizer(normalizer, builder);
  if (!steps)
    return steps.takeError();
  return writeTables(t, source, *steps, builder);
}

llvm::Expected<flatbuffers::Offset<schema::Tokenizer>> nibble::buildTokenizer(const TokenizerSource &source,
                                                                              flatbuffers::FlatBufferBuilder &builder) {
  TokenizerBuilder tables(source);
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
