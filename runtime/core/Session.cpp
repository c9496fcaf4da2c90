//===- Session.cpp - a conversation with the KV cache --------------------===//
//
// See Session.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/Session.h"

#include "runtime/platform/Clock.h"

#include <algorithm>

namespace nibble::rt {

void Session::initialize(Engine &newEngine, const Tokenizer &newTokenizer, std::span<int32_t> history,
                         const std::atomic<bool> *newInterrupt) {
  engine = &newEngine;
  tokenizer = &newTokenizer;
  historyIds = history;
  interrupt = newInterrupt;
  length = highest = 0;
}

bool Session::feed(std::span<const int32_t> ids) {
  double start = monotonicSeconds();
  // The last token is evaluated in any case: its logits are what the feed is for.
  size_t most = std::min(length, ids.size() - 1);
  size_t same = std::mismatch(ids.begin(), ids.begin() + most, historyIds.begin()).first - ids.begin();
  if (highest > same && highest - same > maxRewind)
    same = 0;
  size_t done = engine->evaluate(ids.subspan(same), static_cast<int64_t>(same), interrupt);
  std::copy(ids.begin() + same, ids.begin() + same + done, historyIds.begin() + same);
  length = same + done;
  highest = same == 0 ? length : std::max(highest, length);
  times.reusedTokens += same;
  times.prefillTokens += done;
  times.prefillSeconds += monotonicSeconds() - start;
  return length == ids.size();
}

StopReason Session::generate(Sampler &sampler, TextStream &stream, const GenerateOptions &options) {
  double start = monotonicSeconds();
  pendingId = -1;
  StopReason reason = generateTokens(sampler, stream, options);
  if (reason != StopReason::Length && reason != StopReason::ContextFull && reason != StopReason::Interrupted)
    pendingId = -1;
  if (reason != StopReason::StopString)
    stream.finish();
  times.decodeSeconds += monotonicSeconds() - start;
  return reason;
}

StopReason Session::generateTokens(Sampler &sampler, TextStream &stream, const GenerateOptions &options) {
  int32_t id = -1; // sampled last; enters the cache when the next one is wanted
  for (int64_t count = 0; options.limit < 0 || count < options.limit; ++count) {
    if (interrupt && interrupt->load(std::memory_order_relaxed))
      return StopReason::Interrupted;
    if (count) {
      if (length == historyIds.size()) {
        bool hasRoom = options.makeRoom && options.makeRoom(options.roomContext);
        if (interrupt && interrupt->load(std::memory_order_relaxed))
          return StopReason::Interrupted;
        if (!hasRoom)
          return StopReason::ContextFull;
      }
      historyIds[length] = id;
      pendingId = -1;
      engine->evaluate(historyIds.subspan(length, 1), static_cast<int64_t>(length));
      highest = std::max(highest, ++length);
    }
    id = sampler.sample(engine->logits(), history());
    if (id < 0)
      return StopReason::NotANumber;
    pendingId = id;
    ++times.decodeTokens;
    if (options.onToken)
      options.onToken(options.context, id);
    if (tokenizer->isEndOfGeneration(id))
      return StopReason::EndOfGeneration;
    std::string_view text = tokenizer->isControl(id) ? std::string_view() : tokenizer->tokenBytes(id);
    if (count == 0 && options.dropLeadingSpace && text.starts_with(' '))
      text.remove_prefix(1);
    if (stream.append(text))
      return StopReason::StopString;
  }
  return StopReason::Length;
}

} // namespace nibble::rt
