//===- Phi3.cpp - The family phi3 ----------------------------------------===//
//
// Phi-3 and Phi-3.5 (arXiv 2404.14219): Llama's layer with query, key and value in one matrix, gate and up in another,
// and in the long-context models two lists of divisors for the rotary frequencies (LongRoPE, arXiv 2402.13753). The
// window of the short-context ones is kept, as in the reference implementation; llama.cpp ignores it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

void nibble::readPhi3(FamilyReader &read) {
  read.shape();
  read.refuseExperts();
  Attention attention = read.heads();
  attention.window = read.window();
  read.rope(attention.headDim);
  read.ends();
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    layer.mixer = read.attention(attention);
    layer.feedForward = read.feedForward();
  });
}
