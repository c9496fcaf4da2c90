//===- Llama.cpp - The families llama and mistral -------------------------===//
//
// Touvron et al., arXiv 2302.13971: residual blocks of RMS norm, grouped-query attention with rotary positions, and a
// SiLU-gated feed-forward; a final norm; an output matrix that may be the embedding table. Llama 2 and 3, TinyLlama,
// SmolLM and SmolLM2 are this. Mistral (arXiv 2310.06825) attends to a sliding window of positions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

void nibble::readLlama(FamilyReader &read) {
  read.shape();
  read.refuseExperts();
  Attention attention = read.heads();
  attention.window = read.window();
  read.rope(attention.headDim, /*reordered=*/true);
  read.ends();
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    layer.mixer = read.attention(attention);
    layer.feedForward = read.feedForward();
  });
}
