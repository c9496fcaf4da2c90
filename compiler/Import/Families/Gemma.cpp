//===- Gemma.cpp - The families gemma2 and gemma3 -------------------------===//
//
// Gemma 2 (arXiv 2408.00118): embeddings scaled by the root of their width, norms before and after attention and
// feed-forward, a GELU-gated feed-forward, every other layer attends to a sliding window, attention scores and logits
// are capped. Gemma 3 (arXiv 2503.19786), text only: norms of each head's query and key instead of the cap of scores,
// five sliding layers to one that attends to all, and a rotary base of their own for the sliding ones.
//
// Converters write the norms' weights as 1 + w, which is what they are multiplied with.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

#include <cmath>

using namespace nibble;

/// The 27B models scale scores by the width of the embedding, all others by that of a head; files do not say it.
static void scaleScores(FamilyReader &read, Attention &attention, uint64_t layersOf27B) {
  if (read.layerCount() == layersOf27B && !read.has("attention.scale"))
    attention.scale = 1 / std::sqrt(double(read.model.embedding) / double(attention.heads));
}

static Layer readLayer(FamilyReader &read, const Attention &shape, bool normsHeads) {
  Layer layer;
  layer.mixerNorm = read.norm("attn_norm");
  layer.postMixerNorm = read.norm("post_attention_norm");
  layer.feedForwardNorm = read.norm("ffn_norm");
  layer.postFeedForwardNorm = read.norm("post_ffw_norm");
  Attention attention = read.attention(shape);
  if (normsHeads) {
    attention.queryNorm = read.norm("attn_q_norm", shape.headDim);
    attention.keyNorm = read.norm("attn_k_norm", shape.headDim);
  }
  layer.mixer = attention;
  layer.feedForward = read.feedForward(lm::Activation::GELU);
  return layer;
}

void nibble::readGemma2(FamilyReader &read) {
  read.shape();
  read.model.embeddingScale = std::sqrt(double(read.model.embedding));
  Attention global = read.heads();
  scaleScores(read, global, /*layersOf27B=*/46);
  global.softcap = read.number("attn_logit_softcapping", 50);
  read.model.logitSoftcap = read.number("final_logit_softcapping", 30);
  Attention local = global;
  local.window = read.window();
  read.rope(global.headDim);
  read.ends();
  std::vector<bool> slides = read.slidingLayers(/*period=*/2);
  read.eachLayer([&](uint64_t index, Layer &layer) {
    layer = readLayer(read, slides[index] ? local : global, /*normsHeads=*/false);
  });
}

void nibble::readGemma3(FamilyReader &read) {
  read.shape();
  read.model.embeddingScale = std::sqrt(double(read.model.embedding));
  read.model.logitSoftcap = read.number("final_logit_softcapping", 0);
  Attention global = read.heads();
  scaleScores(read, global, /*layersOf27B=*/62);
  Attention local = global;
  local.window = read.window();
  // The scaling of longer contexts is for the layers that attend to all of it.
  read.rope(global.headDim);
  local.rope = read.slidingRope(10000);
  read.ends();
  std::vector<bool> slides = read.slidingLayers(/*period=*/6);
  read.eachLayer([&](uint64_t index, Layer &layer) {
    layer = readLayer(read, slides[index] ? local : global, /*normsHeads=*/true);
  });
}
