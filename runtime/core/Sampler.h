//===- Sampler.h - from logits to a token ------------------------*- C++ -*-===//
//
// What:  repeat penalty → top-k → top-p → min-p → temperature → draw, in this
//        order (that of llama.cpp's usual chain: the cuts look at the distribution
//        before the temperature).
// Contract: a temperature of 0 takes the highest logit (after the penalty), the
//        lowest id among equals. Same options, seed and logits give the same ids on
//        every machine. No allocation: the candidates are the caller's buffer.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/Random.h"

#include <cstdint>
#include <span>

namespace nibble::rt {

struct SamplerOptions {
  float temperature = 0.8f;   // ≤ 0: greedy
  int32_t topK = 40;          // ≤ 0: all
  float topP = 0.95f;         // ≥ 1: off
  float minP = 0.05f;         // ≤ 0: off
  float repeatPenalty = 1.0f; // 1: off
  int32_t repeatLast = 64;    // tokens the penalty looks back
  uint64_t seed = 0;
};

struct Candidate {
  float logit;
  int32_t id;
};

class Sampler {
public:
  /// `buffer` holds `vocab` candidates.
  void initialize(const SamplerOptions &options, std::span<Candidate> buffer);

  /// Draws one id. `recent` are the tokens so far, latest last. Changes `logits` when there is a penalty.
  /// Returns -1 when no logit is a number: the model's arithmetic has failed.
  int32_t sample(std::span<float> logits, std::span<const int32_t> recent);

private:
  void penalize(std::span<float> logits, std::span<const int32_t> recent) const;
  size_t select(std::span<const float> logits);
  size_t cut(size_t count) const;
  int32_t draw(size_t count);

  SamplerOptions options;
  std::span<Candidate> candidates;
  Random random;
};

/// The id of the highest logit, the lowest among equals; -1 if there is no number among them.
int32_t highestLogit(std::span<const float> logits);

} // namespace nibble::rt
