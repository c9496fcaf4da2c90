//===- Granite.cpp - The family granite ----------------------------------===//
//
// Granite 3 (IBM, 2024): Llama's layer with four multipliers: of the embeddings, of what each block adds to the
// residual stream, of the attention scores (in the place of 1 / sqrt(head width)), and a divisor of the logits.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

void nibble::readGranite(FamilyReader &read) {
  read.shape();
  read.refuseExperts();
  read.model.embeddingScale = read.number("embedding_scale", 1);
  read.model.residualScale = read.number("residual_scale", 1);
  read.model.logitScale = 1 / read.number("logit_scale", 1);
  Attention attention = read.heads();
  read.rope(attention.headDim, /*reordered=*/true);
  read.ends();
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    layer.mixer = read.attention(attention);
    layer.feedForward = read.feedForward();
  });
}
