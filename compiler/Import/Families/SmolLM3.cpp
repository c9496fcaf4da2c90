//===- SmolLM3.cpp - The family smollm3 ----------------------------------===//
//
// SmolLM3 (Hugging Face, 2025): Llama's layer; every fourth layer does not encode positions (NoPE, arXiv 2501.18795).
// GGUF files do not say which; a list of flags, rope.layers, may.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/FamilyReader.h"

using namespace nibble;

void nibble::readSmolLM3(FamilyReader &read) {
  read.shape();
  Attention shape = read.heads();
  shape.window = read.window();
  read.rope(shape.headDim, /*reordered=*/true);
  read.ends();
  std::vector<uint64_t> rotates = read.perLayer("rope.layers");
  read.eachLayer([&](uint64_t index, Layer &layer) {
    layer.mixerNorm = read.norm("attn_norm");
    layer.feedForwardNorm = read.norm("ffn_norm");
    Attention attention = read.attention(shape);
    bool isRotated = rotates.empty() ? (index + 1) % 4 != 0 : rotates[index] != 0;
    attention.rope = isRotated ? 0 : -1;
    layer.mixer = attention;
    layer.feedForward = read.feedForward();
  });
}
