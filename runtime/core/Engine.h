//===- Engine.h - the model, as the rest of the program sees it --*- C++ -*-===//
//
// What:  calls the generated entries on all threads: tokens in, logits out.
// Contract: positions are those of the KV cache; evaluate() of tokens at pos
//        overwrites what lay there and behind. Results depend neither on the number
//        of threads nor on how tokens are cut into chunks (the generated code
//        guarantees it), so one token goes through decode, more through prefill.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "nibble/abi.h"
#include "runtime/threads/Team.h"

#include <atomic>
#include <span>

namespace nibble::rt {

/// The buffers and sizes that Engine works with; see MemoryPlan.h.
struct EngineBuffers {
  uint8_t *arena, *state;
  const uint8_t *weights;
  std::span<int32_t> chunkTokens; // chunk
  std::span<float> logits;        // vocab, or more
};

class Engine {
public:
  void initialize(const EngineBuffers &buffers, Team &team, bool usePrefill);

  /// Evaluates tokens at positions pos …, leaves the logits behind the last one in logits(). Ends early, between
  /// two chunks, when *interrupt becomes true; returns the number of tokens evaluated.
  size_t evaluate(std::span<const int32_t> tokens, int64_t pos, const std::atomic<bool> *interrupt = nullptr);

  /// As evaluate, but calls row(context, index) with logits() set behind each token from tokens[firstRow] on.
  void evaluateRows(std::span<const int32_t> tokens, int64_t pos, size_t firstRow,
                    void (*row)(void *context, size_t index), void *context);

  /// The vector of a whole text, of a model that makes such; in the first numbers of logits().
  void embed(std::span<const int32_t> tokens);

  std::span<float> logits() const { return buffers.logits; }
  uint8_t *state() const { return buffers.state; }
  size_t chunk() const { return buffers.chunkTokens.size(); }

private:
  using Entry = void (*)(const nibble_step *, int32_t, int32_t);
  /// One step of `rows` rows, the first at step.pos.
  void call(Entry entry, int64_t rows);
  void decode(int32_t token, int64_t pos);
  void prefill(std::span<const int32_t> tokens, int64_t pos);
  void head(int64_t row);
  void evaluateChunk(std::span<const int32_t> tokens, int64_t pos);

  EngineBuffers buffers = {};
  Team *team = nullptr;
  bool usePrefill = true;
  nibble_step step = {};
  Entry entry = nullptr;
};

} // namespace nibble::rt
