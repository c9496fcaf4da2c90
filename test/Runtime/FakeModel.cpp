//===- FakeModel.cpp - a model that needs no compiler ---------------------===//
//
// What:  stands in for generated code, so that the whole program can be tested
//        without the compiler. Its "weights" are one FakeWeights record.
// Contract: the most probable token behind token t is t + 1, behind the last one
//        eos; all other logits lie in [0, 1) and depend on every token from position
//        0 on, read from the state. So a wrong position, a stale KV cache, a chunk
//        border or a missing barrier changes the logits. The program is aborted when
//        the threads do not meet as they should.
//
//===----------------------------------------------------------------------===//
#include "test/Runtime/FakeModel.h"

#include "nibble/abi.h"

#include <cstdlib>

using nibble::test::FakeWeights;

extern "C" {
extern const uint32_t nibble_abi_version_of_model;
const uint32_t nibble_abi_version_of_model = NIBBLE_ABI_VERSION;
}

namespace {

/// A hidden row: what the logits behind a token depend on.
struct Hidden {
  uint64_t hash;
  int64_t token;
};

const FakeWeights &weightsOf(const nibble_step *step) { return *reinterpret_cast<const FakeWeights *>(step->weights); }

/// State: int32 tokens[context], padded to 8 bytes; Hidden rows[chunk].
int32_t *tokensOf(const nibble_step *step) { return reinterpret_cast<int32_t *>(step->state); }
Hidden *hiddenOf(const nibble_step *step) {
  return reinterpret_cast<Hidden *>(step->state + (weightsOf(step).context * 4 + 7) / 8 * 8);
}

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

Hidden hiddenAt(const nibble_step *step, int64_t pos) {
  const int32_t *tokens = tokensOf(step);
  uint64_t hash = 1;
  for (int64_t i = 0; i <= pos; ++i)
    hash = mix(hash * 31 + static_cast<uint64_t>(tokens[i]));
  return {hash, tokens[pos]};
}

void writeLogits(const nibble_step *step, const Hidden &hidden, int32_t tid, int32_t nthreads) {
  const FakeWeights &weights = weightsOf(step);
  int64_t vocab = weights.vocab;
  int64_t next = hidden.token + 1 < vocab ? hidden.token + 1 : weights.eos;
  for (int64_t v = vocab * tid / nthreads; v < vocab * (tid + 1) / nthreads; ++v) {
    float noise = static_cast<float>(mix(hidden.hash + static_cast<uint64_t>(v)) >> 40) * 0x1p-24f;
    step->logits[v] = weights.broken ? __builtin_nanf("") : v == next ? 8.0f + noise : noise;
  }
}

/// What code compiled with --profile does: the operation of an entry is its number in the fake description. The work of
/// a step is told before its barriers, so that there is something to wait for.
void profile(const nibble_step *step, int32_t tid, int32_t op) {
  nibble_profile(step->team, tid, op, NIBBLE_PROFILE_WORKED);
  nibble_barrier(step->team, tid);
  nibble_profile(step->team, tid, op, NIBBLE_PROFILE_WAITED);
}

/// All members leave a mark, meet, and look for the marks of all others.
void meet(const nibble_step *step, int32_t tid, int32_t nthreads) {
  auto *marks = reinterpret_cast<volatile int64_t *>(step->arena);
  marks[tid * 16] = step->pos + 1;
  nibble_barrier(step->team, tid);
  for (int32_t i = 0; i < nthreads; ++i)
    if (marks[i * 16] != step->pos + 1)
      abort();
  nibble_barrier(step->team, tid);
  marks[tid * 16] = 0;
  nibble_barrier(step->team, tid);
}

void checkStep(const nibble_step *step) {
  const FakeWeights &weights = weightsOf(step);
  bool fits = step->pos >= 0 && step->n >= 1 && step->n <= weights.chunk && step->pos + step->n <= weights.context;
  for (int64_t i = 0; fits && i < step->n; ++i)
    fits = step->tokens[i] >= 0 && step->tokens[i] < weights.vocab;
  if (!fits || weights.magic != FakeWeights::Magic)
    abort();
}

} // namespace

extern "C" void nibble_decode(const nibble_step *step, int32_t tid, int32_t nthreads) {
  checkStep(step);
  nibble_profile(step->team, tid, 0, NIBBLE_PROFILE_BEGIN);
  if (tid == 0)
    tokensOf(step)[step->pos] = step->tokens[0];
  meet(step, tid, nthreads);
  writeLogits(step, hiddenAt(step, step->pos), tid, nthreads);
  profile(step, tid, 0);
}

extern "C" void nibble_prefill(const nibble_step *step, int32_t tid, int32_t nthreads) {
  checkStep(step);
  nibble_profile(step->team, tid, 0, NIBBLE_PROFILE_BEGIN);
  int64_t begin = step->n * tid / nthreads, end = step->n * (tid + 1) / nthreads;
  for (int64_t i = begin; i < end; ++i)
    tokensOf(step)[step->pos + i] = step->tokens[i];
  meet(step, tid, nthreads);
  for (int64_t i = begin; i < end; ++i)
    hiddenOf(step)[i] = hiddenAt(step, step->pos + i);
  profile(step, tid, 1);
}

extern "C" void nibble_head(const nibble_step *step, int32_t tid, int32_t nthreads) {
  if (step->row < 0 || step->row >= step->n)
    abort();
  nibble_profile(step->team, tid, 0, NIBBLE_PROFILE_BEGIN);
  writeLogits(step, hiddenOf(step)[step->row], tid, nthreads);
  profile(step, tid, 2);
}
