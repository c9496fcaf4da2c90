//===- Session.h - a conversation with the KV cache --------------*- C++ -*-===//
//
// What:  knows which tokens the KV cache holds, evaluates only what is new of a
//        prompt, and generates.
// Why:   in a chat each prompt repeats the conversation so far; its evaluation is
//        not repeated.
// Contract: history() are exactly the tokens in the KV cache. feed() needs
//        1 … context tokens. generate() follows a complete feed().
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/Engine.h"
#include "runtime/core/Sampler.h"
#include "runtime/core/TextStream.h"
#include "runtime/text/Tokenizer.h"

#include <cstdint>

namespace nibble::rt {

enum class StopReason {
  EndOfGeneration, // the model ended the answer
  StopString,
  Length,      // -n tokens
  ContextFull, // no position is left
  Interrupted, // Ctrl-C
  NotANumber,  // the logits hold no number: the model's arithmetic has failed
};

struct Timing {
  size_t prefillTokens = 0, reusedTokens = 0, decodeTokens = 0;
  double prefillSeconds = 0, decodeSeconds = 0;
};

struct GenerateOptions {
  int64_t limit = -1;            // tokens, negative: none
  bool dropLeadingSpace = false; // of the first token: SentencePiece begins words with one
  /// Called with every sampled id, the one that ends the answer included; may be null.
  void (*onToken)(void *context, int32_t id) = nullptr;
  void *context = nullptr;
  /// Called when no position is left. Makes room by feeding less than history() and returns true, or the answer ends;
  /// null: it ends.
  bool (*makeRoom)(void *context) = nullptr;
  void *roomContext = nullptr;
};

class Session {
public:
  /// `history` has room for as many ids as the session may use positions.
  void initialize(Engine &engine, const Tokenizer &tokenizer, std::span<int32_t> history,
                  const std::atomic<bool> *interrupt);

  /// Layers with a window keep the last positions only: a prompt that differs further back than `positions` from what
  /// the cache holds is evaluated from its beginning.
  void limitRewind(size_t positions) { maxRewind = positions; }

  /// Makes the KV cache hold `ids` and the logits those behind the last one. False when interrupted: the cache
  /// then holds a beginning of ids, and there are no logits.
  bool feed(std::span<const int32_t> ids);

  /// Samples and evaluates until something ends the answer; its text goes to `stream`.
  StopReason generate(Sampler &sampler, TextStream &stream, const GenerateOptions &options);

  /// Room for the ids of a cache that is being loaded.
  std::span<int32_t> historyBuffer() { return historyIds; }
  /// The cache holds the first `positions` of them, after up to `most` were written.
  void restored(size_t positions, size_t most) {
    length = positions;
    highest = most;
  }
  /// Positions written since the last evaluation from the beginning: a ring holds the last of these.
  size_t written() const { return highest; }

  /// The token that ended generate() because of its limit or a full context: part of the text, not of the cache. -1:
  /// none.
  int32_t pending() const { return pendingId; }

  size_t context() const { return historyIds.size(); }
  std::span<const int32_t> history() const { return historyIds.first(length); }
  Timing &timing() { return times; }

private:
  StopReason generateTokens(Sampler &sampler, TextStream &stream, const GenerateOptions &options);

  Engine *engine = nullptr;
  const Tokenizer *tokenizer = nullptr;
  const std::atomic<bool> *interrupt = nullptr;
  std::span<int32_t> historyIds;
  size_t length = 0;
  size_t highest = 0; // positions written since the last evaluation from the beginning
  size_t maxRewind = SIZE_MAX;
  int32_t pendingId = -1;
  Timing times;
};

} // namespace nibble::rt
