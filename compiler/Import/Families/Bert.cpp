//===- Bert.cpp - The family bert -----------------------------------------===//
//
// BERT (arXiv 1810.04805) as an encoder of texts (Sentence-BERT, arXiv 1908.10084): learned positions, rows that see
// each other, norms behind each sum, a unit without a gate; the rows of a text become one vector.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

/// pooling_type: 1 is the mean of all rows, 2 the first row, [CLS].
static lm::Pooling readPooling(FamilyReader &read) {
  uint64_t type = read.count("pooling_type", 1);
  if (type != 1 && type != 2)
    read.unsupportedKey("pooling_type", "expected 1, the mean, or 2, the first row, found " + llvm::Twine(type));
  return type == 2 ? lm::Pooling::First : lm::Pooling::Mean;
}

void nibble::readBert(FamilyReader &read) {
  Encoder encoder;
  read.shape("attention.layer_norm_epsilon", /*causal=*/false);
  encoder.pooling = readPooling(read);
  encoder.normalizes = read.flag("normalize_embeddings", true);
  Attention shape = read.heads();
  shape.rope = -1;
  read.table();
  uint64_t width = read.model.embedding;
  encoder.positions = read.widened(read.tensor("position_embd.weight", {width, read.model.trainedContext}), "");
  encoder.types = read.widened(read.tensor("token_types.weight", {width, read.count("token_type_count", 2)}), "");
  encoder.norm = read.layerNorm("token_embd_norm");
  read.model.encoder = encoder;
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixer = read.attention(shape);
    layer.mixerSumNorm = read.layerNorm("attn_output_norm");
    FeedForward feed;
    feed.activation = lm::Activation::GELUErf;
    feed.up = read.linear("ffn_up", read.model.feedForward, width);
    feed.down = read.linear("ffn_down", width, read.model.feedForward);
    layer.feedForward = feed;
    layer.feedForwardSumNorm = read.layerNorm("layer_output_norm");
  });
}
