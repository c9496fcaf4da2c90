//===- Sampler.cpp - from logits to a token ------------------------------===//
//
// See Sampler.h. Top-k keeps a heap of k candidates whose root is the worst: most
// of the vocabulary costs one comparison, and only the k survivors are sorted.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/Sampler.h"

#include "runtime/core/Numeric.h"

#include <algorithm>

namespace nibble::rt {

/// The order of candidates: higher logit first, lower id among equals.
static bool better(const Candidate &a, const Candidate &b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

int32_t highestLogit(std::span<const float> logits) {
  int32_t best = -1;
  float highest = -__builtin_inff();
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > highest) {
      highest = logits[i];
      best = static_cast<int32_t>(i);
    }
  return best;
}

void Sampler::initialize(const SamplerOptions &newOptions, std::span<Candidate> buffer) {
  options = newOptions;
  candidates = buffer;
  random = Random(options.seed);
}

void Sampler::penalize(std::span<float> logits, std::span<const int32_t> recent) const {
  if (options.repeatPenalty == 1.0f)
    return;
  size_t window = std::min<size_t>(recent.size(), std::max(options.repeatLast, 0));
  recent = recent.last(window);
  for (size_t i = 0; i < window; ++i) {
    int32_t id = recent[i];
    bool seen = std::find(recent.begin(), recent.begin() + i, id) != recent.begin() + i;
    if (seen || id < 0 || static_cast<size_t>(id) >= logits.size())
      continue;
    float &logit = logits[id];
    logit = logit > 0 ? logit / options.repeatPenalty : logit * options.repeatPenalty;
  }
}

/// Fills the candidates; sorted, best first, if a cut needs the order. Returns their number.
size_t Sampler::select(std::span<const float> logits) {
  size_t keep = std::min(logits.size(), candidates.size());
  if (options.topK > 0)
    keep = std::min<size_t>(keep, options.topK);
  Candidate *heap = candidates.data();
  size_t count = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    Candidate next{logits[i], static_cast<int32_t>(i)};
    if (!(next.logit > -__builtin_inff())) // NaN and forbidden tokens
      continue;
    if (count < keep) {
      heap[count++] = next;
      if (count == keep)
        std::make_heap(heap, heap + count, better);
    } else if (better(next, heap[0])) {
      std::pop_heap(heap, heap + count, better);
      heap[count - 1] = next;
      std::push_heap(heap, heap + count, better);
    }
  }
  if (options.topK > 0 || options.topP < 1.0f)
    std::sort(heap, heap + count, better);
  return count;
}

/// Applies top-p and min-p; returns how many of the sorted candidates remain, at least one.
size_t Sampler::cut(size_t count) const {
  float highest = candidates[0].logit;
  if (options.topP < 1.0f) {
    double total = 0, running = 0;
    for (size_t i = 0; i < count; ++i)
      total += exponential(double(candidates[i].logit) - highest);
    for (size_t i = 0; i < count; ++i) {
      running += exponential(double(candidates[i].logit) - highest);
      if (running >= options.topP * total) {
        count = i + 1;
        break;
      }
    }
  }
  if (options.minP > 0.0f) {
    size_t kept = 1;
    while (kept < count && exponential(double(candidates[kept].logit) - highest) >= options.minP)
      ++kept;
    count = kept;
  }
  return count;
}

int32_t Sampler::draw(size_t count) {
  float highest = candidates[0].logit;
  for (size_t i = 1; i < count; ++i)
    highest = std::max(highest, candidates[i].logit);
  double total = 0;
  auto weight = [&](size_t i) { return exponential((double(candidates[i].logit) - highest) / options.temperature); };
  for (size_t i = 0; i < count; ++i)
    total += weight(i);
  double target = random.uniform() * total;
  for (size_t i = 0; i < count; ++i) {
    target -= weight(i);
    if (target < 0)
      return candidates[i].id;
  }
  return candidates[count - 1].id; // rounding left a crumb
}

int32_t Sampler::sample(std::span<float> logits, std::span<const int32_t> recent) {
  penalize(logits, recent);
  if (options.temperature <= 0.0f)
    return highestLogit(logits);
  size_t count = select(logits);
  if (count == 0)
    return -1;
  bool sorted = options.topK > 0 || options.topP < 1.0f;
  if (sorted)
    count = cut(count);
  else if (options.minP > 0.0f) {
    // Without an order min-p is a filter in place.
    float highest = -__builtin_inff();
    for (size_t i = 0; i < count; ++i)
      highest = std::max(highest, candidates[i].logit);
    Candidate *end = std::remove_if(candidates.data(), candidates.data() + count, [&](const Candidate &c) {
      return exponential(double(c.logit) - highest) < options.minP;
    });
    count = end - candidates.data();
  }
  return draw(count);
}

} // namespace nibble::rt
