//===- StableLM.cpp - The family stablelm --------------------------------===//
//
// StableLM 3B and StableLM 2 1.6B (arXiv 2402.17834): Llama's layer with layer norms and rotations of a quarter of each
// head. The 12B, in which attention and feed-forward read the same rows, is not there.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

void nibble::readStableLM(FamilyReader &read) {
  read.shape("attention.layer_norm_epsilon");
  if (read.flag("use_parallel_residual", false))
    read.unsupportedKey("use_parallel_residual", "expected attention before the feed-forward, found both side by side");
  Attention attention = read.heads();
  read.rope(attention.headDim);
  read.ends(/*centred=*/true);
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.layerNorm("attn_norm");
    layer.feedForwardNorm = read.layerNorm("ffn_norm");
    layer.mixer = read.attention(attention);
    layer.feedForward = read.feedForward();
  });
}
