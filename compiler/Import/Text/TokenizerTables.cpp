//===- TokenizerTables.cpp - The tables of a tokenizer --------------------===//
//
// See TokenizerTables.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/TokenizerTables.h"

using namespace nibble;

flatbuffers::Offset<schema::Tokenizer> nibble::writeTables(const TokenizerTables &t, const TokenizerSource &source,
                                                           flatbuffers::Offset<schema::Normalizer> normalizer,
                                                           flatbuffers::FlatBufferBuilder &builder) {
  auto offsets = builder.CreateVector(t.offsets);
  auto text = builder.CreateVector(t.text);
  auto flags = builder.CreateVector(t.flags);
  auto byteTokens = builder.CreateVector(t.byteTokens);
  auto tokenSlots = builder.CreateVector(t.tokenSlots);
  auto ends = builder.CreateVector(t.ends);
  auto specials = writeSpellings(t.specials, builder);
  auto normalizedSpecials = writeSpellings(t.normalizedSpecials, builder);
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> joins;
  if (t.pre == schema::PreTokenizer::Pairs)
    joins = builder.CreateVector(t.joins.getBits());
  flatbuffers::Offset<flatbuffers::Vector<const schema::Merge *>> merges;
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> mergeSlots, ranks;
  flatbuffers::Offset<flatbuffers::Vector<uint16_t>> classBlocks;
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> classes;
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::WordPattern>>> patternOffset;
  if (t.pre == schema::PreTokenizer::Patterns) {
    patternOffset = writeWordPatterns(t.words, builder);
    classBlocks = builder.CreateVector(t.words.blocks);
    classes = builder.CreateVector(t.words.classes);
  }
  if (t.kind == schema::TokenizerKind::SentencePiece) {
    ranks = builder.CreateVector(t.ranks);
  } else {
    merges = builder.CreateVectorOfStructs(t.merges);
    mergeSlots = builder.CreateVector(t.mergeSlots);
  }
  flatbuffers::Offset<flatbuffers::Vector<double>> scores;
  if (t.kind == schema::TokenizerKind::Unigram)
    scores = builder.CreateVector(t.scores);

  schema::TokenizerBuilder table(builder);
  table.add_kind(t.kind);
  table.add_pre(t.pre);
  table.add_add_bos(t.addBos);
  table.add_add_eos(t.addEos);
  table.add_space_prefix(t.spacePrefix);
  table.add_bos(source.bos);
  table.add_eos(source.eos);
  table.add_eot(source.eot);
  table.add_unk(source.unk);
  table.add_pad(source.pad);
  table.add_end_of_generation(ends);
  table.add_token_offsets(offsets);
  table.add_token_bytes(text);
  table.add_token_flags(flags);
  table.add_max_token_bytes(t.maxTokenBytes);
  table.add_byte_tokens(byteTokens);
  table.add_token_slots(tokenSlots);
  table.add_specials(specials);
  table.add_normalized_specials(normalizedSpecials);
  table.add_joins(joins);
  table.add_merges(merges);
  table.add_merge_slots(mergeSlots);
  table.add_max_word_characters(source.maxWordCharacters);
  table.add_normalizer(normalizer);
  table.add_patterns(patternOffset);
  table.add_invalid_class(t.words.invalidClass);
  table.add_class_blocks(classBlocks);
  table.add_classes(classes);
  table.add_ranks(ranks);
  table.add_scores(scores);
  table.add_unknown_score(t.unknownScore);
  return table.Finish();
}
