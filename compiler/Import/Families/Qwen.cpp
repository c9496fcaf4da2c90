//===- Qwen.cpp - The families qwen2 and qwen3 ----------------------------===//
//
// Qwen2 and 2.5 (arXiv 2407.10671): Llama's layer with biases of query, key and value. Qwen3 (arXiv 2505.09388) has
// norms of each head's query and key in place of the biases, and heads whose width is no divisor of the embedding's.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

static void readQwen(FamilyReader &read, bool normsHeads) {
  read.shape();
  read.refuseExperts();
  Attention shape = read.heads();
  shape.window = read.window();
  read.rope(shape.headDim);
  read.ends();
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    Attention attention = read.attention(shape);
    if (normsHeads) {
      attention.queryNorm = read.norm("attn_q_norm", shape.headDim);
      attention.keyNorm = read.norm("attn_k_norm", shape.headDim);
    }
    layer.mixer = attention;
    layer.feedForward = read.feedForward();
  });
}

void nibble::readQwen2(FamilyReader &read) { readQwen(read, /*normsHeads=*/false); }

void nibble::readQwen3(FamilyReader &read) { readQwen(read, /*normsHeads=*/true); }
