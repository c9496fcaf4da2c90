//===- BitNet.cpp - The family bitnet ------------------------------------===//
//
// BitNet b1.58 (arXiv 2402.17764): linears with ternary weights, and norms before the last linear of attention and of
// the feed-forward. The first models (`bitnet`) gate with SiLU, b1.58 2B4T (arXiv 2504.12285, `bitnet-b1.58`) with the
// square of the positive part.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

static void readBitNetWith(FamilyReader &read, lm::Activation activation) {
  read.shape();
  Attention shape = read.heads();
  read.rope(shape.headDim);
  read.ends();
  read.eachLayer([&](uint64_t, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    Attention attention = read.attention(shape);
    attention.innerNorm = read.norm("attn_sub_norm", shape.heads * shape.headDim);
    layer.mixer = attention;
    FeedForward feed = read.feedForward(activation);
    feed.innerNorm = read.norm("ffn_sub_norm", read.model.feedForward);
    layer.feedForward = feed;
  });
}

void nibble::readBitNet(FamilyReader &read) { readBitNetWith(read, lm::Activation::SiLU); }

void nibble::readBitNet2B4T(FamilyReader &read) { readBitNetWith(read, lm::Activation::ReLU2); }
