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
// Waiting is spinning for some ten microseconds, then sleeping on a futex. A
// waiter announces itself in `sleepers` before it sleeps and the releaser reads
// that after it has moved the phase, both sequentially consistent: either the
// releaser sees the sleeper and wakes it, or the sleeper's futex call sees the new
// phase and returns at once.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <pthread.h>

namespace nibble::rt {

/// Threads a program can use at most; memory plans are sized with it.
inline constexpr int MaxThreads = 64;

/// Stack of a member. Generated code keeps its buffers in the arena; 256 KiB leaves room for libc and spills.
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

  void barrier();
  int size() const { return members; }

private:
  struct alignas(FalseSharingBytes) Phase {
    std::atomic<uint32_t> value{0};
    std::atomic<uint32_t> sleepers{0};
  };
  struct Member {
    Team *team;
    int32_t tid;
    pthread_t thread;
  };

  static void *memberMain(void *member);
  void await(Phase &phase, uint32_t seen);
  static void advance(Phase &phase);

  Phase job;     // moves when run() hands out work
  Phase meeting; // moves when the last member reaches the barrier
  alignas(FalseSharingBytes) std::atomic<int32_t> arrived{0};
  alignas(FalseSharingBytes) Function function = nullptr; // null: the members end
  void *context = nullptr;
  int32_t members = 1;
  int32_t spins = 0;
  Member memberRecords[MaxThreads];
};

} // namespace nibble::rt
