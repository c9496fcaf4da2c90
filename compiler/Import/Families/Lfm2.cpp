//===- Lfm2.cpp - The family lfm2 -----------------------------------------===//
//
// LFM2 (Liquid AI, 2025): most layers mix positions by a gated convolution over the last three rows of each channel,
// the others by attention with norms of each head's query and key. A layer without key-value heads is a convolution.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

static ShortConv readShortConv(FamilyReader &read, uint64_t taps) {
  uint64_t width = read.model.embedding;
  ShortConv conv;
  conv.taps = taps;
  conv.input = read.linear("shortconv.in_proj", 3 * width, width);
  conv.kernel = read.floats("shortconv.conv", {taps, width});
  conv.output = read.linear("shortconv.out_proj", width, width);
  return conv;
}

void nibble::readLfm2(FamilyReader &read) {
  read.shape();
  read.refuseExperts();
  Attention shape = read.heads(/*perLayer=*/true);
  shape.window = read.window();
  read.rope(shape.headDim);
  uint64_t taps = read.count("shortconv.l_cache");
  read.ends(/*centred=*/false, "token_embd_norm");
  std::vector<uint64_t> kvHeads = read.perLayer("attention.head_count_kv");
  read.eachLayer([&](uint64_t index, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    if (!kvHeads.empty() && kvHeads[index] == 0) {
      layer.mixer = readShortConv(read, taps);
    } else {
      Attention attention = read.attention(shape);
      attention.queryNorm = read.norm("attn_q_norm", shape.headDim);
      attention.keyNorm = read.norm("attn_k_norm", shape.headDim);
      layer.mixer = attention;
    }
    layer.feedForward = read.feedForward();
  });
}
