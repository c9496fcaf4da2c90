//===- Experts.cpp - The families olmoe and qwen2moe ----------------------===//
//
// Mixtures of experts. OLMoE (arXiv 2409.02060) is Llama's layer with norms of whole rows of query and key, and 64
// small gated units of which a router chooses 8 for each token. Qwen 1.5 and 2 MoE (arXiv 2407.10671) are Qwen 2's
// layer with a router over 60 or 64 units, and one more unit that every token goes through, weighed by a gate of its
// own.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

void nibble::readOlmoe(FamilyReader &read) {
  read.shape();
  if (read.number("attention.clamp_kqv", 0) != 0)
    read.unsupportedKey("attention.clamp_kqv", "expected queries, keys and values that are not clamped");
  Attention shape = read.heads();
  read.rope(shape.headDim);
  read.ends();
  Experts experts = read.expertShape();
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    Attention attention = read.attention(shape);
    attention.queryNorm = read.norm("attn_q_norm", shape.heads * shape.headDim);
    attention.keyNorm = read.norm("attn_k_norm", shape.kvHeads * shape.headDim);
    layer.mixer = attention;
    layer.feedForward = read.experts(experts);
  });
}

void nibble::readQwen2Moe(FamilyReader &read) {
  read.shape();
  Attention shape = read.heads();
  shape.window = read.window();
  read.rope(shape.headDim);
  read.ends();
  Experts experts = read.expertShape();
  uint64_t shared = read.count("expert_shared_feed_forward_length", read.model.feedForward);
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    layer.mixer = read.attention(shape);
    // Layers that a configuration leaves out (mlp_only_layers) have one unit as ever.
    if (read.hasTensor("ffn_gate_inp.weight"))
      layer.feedForward = read.experts(experts, shared);
    else
      layer.feedForward = read.feedForward();
  });
}
