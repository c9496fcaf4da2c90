//===- Team.h - the fixed thread team ----------------------------*- C++ -*-===//
//
// What:  a team of threads, started once, that runs one function on all of its
//        members and meets at barriers.
// Why:   a decoded token passes a hundred barriers; they have to cost less than a
//        microsecond when every thread has a core, and must not burn a core that
//        another member needs when threads outnumber cores.
// Contract: the thread that calls start() is member 0 and is the only one to call
//        run() and stop(). barrier() is called by all members from inside run().
//        The stacks are the caller's memory; nothing is allocated afterwards.
//
// Waiting is spinning, then sleeping on a futex. How long to spin is learnt: a spin
// that met the others makes the next one longer, one that was in vain four times
// shorter. On a quiet machine the members spin up to 100 µs and practically never
// sleep; where others compete for the cores, spinning keeps a core from the member
// that is waited for, and the members soon sleep at once. Measured with
// SmolLM2-135M, 2 threads on 2 cores under a load of 8 to 14, tokens/s: never
// spinning 31 to 64, learnt 37 to 42, always 50 µs 8 to 60, always 800 µs 1; one
// thread 42 to 75.
//
// A waiter announces itself in `sleepers` before it sleeps and the releaser reads
// that after it has moved the phase, both sequentially consistent: either the
// releaser sees the sleeper and wakes it, or the sleeper's futex call sees the new
// phase and returns at once.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "nibble/abi.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <pthread.h>

namespace nibble::rt {

class OpTimes;

/// Threads a program can use at most; memory plans are sized with it.
inline constexpr int MaxThreads = NIBBLE_MAX_THREADS;

/// Stack of a member. Matrices are in the arena; what a kernel keeps of a tile or of a block of
/// unpacked weights, tens of KiB, is on the stack, with spills and what libc takes.
inline constexpr size_t ThreadStackBytes = 256 << 10;

/// Two lines of 64 bytes: adjacent-line prefetch makes pairs of lines behave as one.
inline constexpr size_t FalseSharingBytes = 128;

/// Number of processors this process may run on, 1 … MaxThreads.
int availableProcessors();

class Team {
public:
  using Function = void (*)(void *context, int32_t tid, int32_t nthreads);

  /// Starts members 1 … threads-1 on `stacks`, which holds (threads-1) × ThreadStackBytes, page-aligned.
  /// Returns the number of members that could be started: `threads`, or less when the system refuses.
  [[nodiscard]] int start(int threads, uint8_t *stacks);

  /// Ends and joins the members. The team can be started again.
  void stop();

  /// Runs function(context, tid, size()) on every member; returns when all are done.
  void run(Function function, void *context);

  void barrier(int32_t tid);

  /// Hands out 0 … count-1; see nibble_claim in nibble/abi.h.
  int64_t claim(int32_t tid, int32_t slot, int64_t count);
  int size() const { return members; }

  /// Where nibble_profile() records times; null: nowhere. Changed between runs only.
  OpTimes *times = nullptr;

private:
  struct alignas(FalseSharingBytes) Phase {
    std::atomic<uint32_t> value{0};
    std::atomic<uint32_t> sleepers{0};
  };
  struct alignas(FalseSharingBytes) Member {
    Team *team;
    int32_t tid;
    int32_t jobSpins, meetingSpins; // how long to spin before sleeping, learnt
    int64_t claimed[NIBBLE_CLAIM_SLOTS]; // what the counter of a slot stood at when its present work began
    pthread_t thread;
  };

  static void *memberMain(void *member);
  void await(Phase &phase, uint32_t seen, int32_t &spins) const;
  static void advance(Phase &phase);

  Phase job;     // moves when run() hands out work
  Phase meeting; // moves when the last member reaches the barrier
  alignas(FalseSharingBytes) std::atomic<int32_t> arrived{0};
  struct alignas(FalseSharingBytes) Counter {
    std::atomic<int64_t> value{0};
  };
  Counter counters[NIBBLE_CLAIM_SLOTS]; // only ever grow; a piece of work adds count + members
  alignas(FalseSharingBytes) Function function = nullptr; // null: the members end
  void *context = nullptr;
  int32_t members = 1;
  int32_t leastSpins = 0, mostSpins = 0;
  Member memberRecords[MaxThreads];
};

} // namespace nibble::rt
