//===- Olmo2.cpp - The family olmo2 --------------------------------------===//
//
// OLMo 2 (arXiv 2501.00656): norms stand behind attention and feed-forward instead of before them, and query and key
// are normed as whole rows. OLMo 3, which files call by the same name, adds three sliding layers to each that attends
// to all; the sliding ones are rotated without the scaling for longer contexts.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

void nibble::readOlmo2(FamilyReader &read) {
  read.shape();
  Attention global = read.heads(), local = global;
  local.window = read.window();
  const RopeSettings &rope = read.rope(global.headDim);
  local.rope = read.slidingRope(rope.base);
  read.ends();
  std::vector<bool> slides = read.slidingLayers(/*period=*/4);
  read.eachLayer([&](uint64_t index, Layer &layer) {
    Attention attention = read.attention(slides[index] ? local : global);
    attention.queryNorm = read.norm("attn_q_norm", attention.heads * attention.headDim);
    attention.keyNorm = read.norm("attn_k_norm", attention.kvHeads * attention.headDim);
    layer.mixer = attention;
    layer.postMixerNorm = read.norm("post_attention_norm");
    layer.feedForward = read.feedForward();
    layer.postFeedForwardNorm = read.norm("post_ffw_norm");
  });
}
