//===- Engine.cpp - the model, as the rest of the program sees it --------===//
//
// See Engine.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/Engine.h"

#include "runtime/threads/OpTimes.h"

#include <algorithm>

// A model of text vectors is linked without it.
extern "C" [[gnu::weak]] void nibble_decode(const nibble_step *step, int32_t tid, int32_t nthreads);

namespace nibble::rt {

void Engine::initialize(const EngineBuffers &newBuffers, Team &newTeam, bool prefills) {
  buffers = newBuffers;
  team = &newTeam;
  usePrefill = prefills;
  step.arena = buffers.arena;
  step.state = buffers.state;
  step.weights = buffers.weights;
  step.tokens = buffers.chunkTokens.data();
  step.logits = buffers.logits.data();
  step.team = team;
}

void Engine::call(Entry newEntry, int64_t rows) {
  entry = newEntry;
  team->run([](void *engine, int32_t tid, int32_t nthreads) {
    auto *self = static_cast<Engine *>(engine);
    self->entry(&self->step, tid, nthreads);
  }, this);
  if (team->times)
    team->times->account(step.pos, rows);
}

void Engine::decode(int32_t token, int64_t pos) {
  buffers.chunkTokens[0] = token;
  step.pos = pos;
  step.n = 1;
  step.row = 0;
  call(nibble_decode, 1);
}

void Engine::prefill(std::span<const int32_t> tokens, int64_t pos) {
  std::copy(tokens.begin(), tokens.end(), buffers.chunkTokens.begin());
  // The rows behind n are computed or skipped as the code likes; they need a valid id.
  std::fill(buffers.chunkTokens.begin() + tokens.size(), buffers.chunkTokens.end(), tokens.back());
  step.pos = pos;
  step.n = static_cast<int64_t>(tokens.size());
  step.row = 0;
  call(nibble_prefill, step.n);
}

void Engine::head(int64_t row) {
  step.row = row;
  call(nibble_head, 1);
}

void Engine::embed(std::span<const int32_t> tokens) {
  prefill(tokens, 0);
  head(0);
}

/// One token leaves its logits, several leave hidden rows.
void Engine::evaluateChunk(std::span<const int32_t> tokens, int64_t pos) {
  if (tokens.size() == 1)
    decode(tokens[0], pos);
  else
    prefill(tokens, pos);
}

size_t Engine::evaluate(std::span<const int32_t> tokens, int64_t pos, const std::atomic<bool> *interrupt) {
  size_t done = 0;
  while (done < tokens.size()) {
    if (interrupt && interrupt->load(std::memory_order_relaxed))
      return done;
    size_t n = usePrefill ? std::min(chunk(), tokens.size() - done) : 1;
    evaluateChunk(tokens.subspan(done, n), pos + static_cast<int64_t>(done));
    done += n;
    if (n > 1 && done == tokens.size())
      head(static_cast<int64_t>(n) - 1);
  }
  return done;
}

void Engine::evaluateRows(std::span<const int32_t> tokens, int64_t pos, size_t firstRow, void (*row)(void *, size_t),
                          void *context) {
  for (size_t done = 0; done < tokens.size();) {
    size_t n = usePrefill ? std::min(chunk(), tokens.size() - done) : 1;
    evaluateChunk(tokens.subspan(done, n), pos + static_cast<int64_t>(done));
    for (size_t i = 0; i < n; ++i) {
      if (done + i < firstRow)
        continue;
      if (n > 1)
        head(static_cast<int64_t>(i));
      row(context, done + i);
    }
    done += n;
  }
}

} // namespace nibble::rt
