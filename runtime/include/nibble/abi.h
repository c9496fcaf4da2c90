/*===- nibble/abi.h - contract between generated code and runtime -*- C -*-===*
 *
 * What:  the one interface between the machine code that Nibble generates for a
 *        model and the runtime library it is linked with.
 * Why:   the two are built at different times by different compilers; a single
 *        versioned C header without dependencies is all they share.
 * Contract: plain C11 / C++20, no includes beyond <stdint.h>. Generated code
 *        addresses the members of nibble_step by byte offset, so neither order
 *        nor width of a member may change without NIBBLE_ABI_VERSION changing.
 *        The static assertions at the end hold this.
 *
 *===----------------------------------------------------------------------===*/
#ifndef NIBBLE_ABI_H
#define NIBBLE_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised with every change that old generated code could not run with. */
#define NIBBLE_ABI_VERSION 2u

/* Alignment in bytes that generated code may assume of arena, state and weights. */
#define NIBBLE_BUFFER_ALIGNMENT 4096

/* Threads that a team has at most: generated code has memory for so many where each needs some of its own. */
#define NIBBLE_MAX_THREADS 64

/* Counters that nibble_claim can hand out from between two barriers. */
#define NIBBLE_CLAIM_SLOTS 8

/* The arguments of one step. Shared read-only by all threads of the team; every
 * member is 8 bytes wide on the supported (64-bit, little-endian) targets. */
typedef struct nibble_step {
  uint8_t *arena;         /* offset  0: scratch; contents undefined between calls     */
  uint8_t *state;         /* offset  8: KV cache, hidden rows; zero at program start  */
  const uint8_t *weights; /* offset 16: packed weights, mapped read-only              */
  const int32_t *tokens;  /* offset 24: decode: 1 id; prefill: `chunk` readable ids,
                           *            of which the first n count (the rest are a
                           *            valid id, so that no row needs a branch)      */
  int64_t pos;            /* offset 32: position of tokens[0] in the context          */
  int64_t n;              /* offset 40: valid tokens: decode 1; prefill 1 … chunk     */
  int64_t row;            /* offset 48: head: row of the last prefill, 0 … n-1        */
  float *logits;          /* offset 56: decode, head: `vocab` floats, written         */
  void *team;             /* offset 64: handed back to nibble_barrier, nibble_claim   */
} nibble_step;

/* Provided by the generated code. Each of the nthreads threads of the team calls
 * the same entry with its own tid (0 … nthreads-1) and the same step; the results
 * are complete when all calls have returned.
 *   decode   one token at `pos`        → K/V appended, logits of the next token
 *   prefill  n ≤ chunk tokens at `pos` → K/V appended, n hidden rows kept in state
 *   head     hidden row `row` of the last prefill → its logits
 * A model of text vectors has no decode; its prefill takes a whole text at position 0,
 * and its head writes the text's vector.
 * Callers keep pos + n ≤ context. */
void nibble_decode(const nibble_step *step, int32_t tid, int32_t nthreads);
void nibble_prefill(const nibble_step *step, int32_t tid, int32_t nthreads);
void nibble_head(const nibble_step *step, int32_t tid, int32_t nthreads);

/* NIBBLE_ABI_VERSION of the compiler that generated the model; defined by the
 * generated code, compared by the runtime before anything of the model runs. */
extern const uint32_t nibble_abi_version_of_model;

/* Provided by the runtime. Returns when all threads of the team have called it;
 * everything written before the call by any thread is visible after it to all. */
void nibble_barrier(void *team, int32_t tid);

/* Provided by the runtime. Hands out the numbers 0 … count-1 of a piece of work, each
 * to one thread; a thread that gets `count` or more has to stop. Every thread of the
 * team calls until then, with the same slot (0 … NIBBLE_CLAIM_SLOTS-1) and count. A
 * slot serves one piece of work between two barriers. */
int64_t nibble_claim(void *team, int32_t tid, int32_t slot, int64_t count);

/* Provided by the runtime, called only by code that was compiled with --profile. A
 * thread calls it with NIBBLE_PROFILE_BEGIN when it enters a step, with
 * NIBBLE_PROFILE_WORKED when its share of operation `op` of the description's
 * profile is done, and with NIBBLE_PROFILE_WAITED behind a barrier that follows it. */
enum { NIBBLE_PROFILE_BEGIN = 0, NIBBLE_PROFILE_WORKED = 1, NIBBLE_PROFILE_WAITED = 2 };
void nibble_profile(void *team, int32_t tid, int32_t op, int32_t event);

#ifdef __cplusplus
} /* extern "C" */
#define NIBBLE_ABI_ASSERT(condition) static_assert(condition, #condition)
#else
#define NIBBLE_ABI_ASSERT(condition) _Static_assert(condition, #condition)
#endif

NIBBLE_ABI_ASSERT(sizeof(void *) == 8);
NIBBLE_ABI_ASSERT(sizeof(nibble_step) == 72);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, arena) == 0);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, state) == 8);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, weights) == 16);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, tokens) == 24);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, pos) == 32);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, n) == 40);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, row) == 48);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, logits) == 56);
NIBBLE_ABI_ASSERT(__builtin_offsetof(nibble_step, team) == 64);

#undef NIBBLE_ABI_ASSERT

#endif /* NIBBLE_ABI_H */
