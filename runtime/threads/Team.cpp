//===- Team.cpp - the fixed thread team ----------------------------------===//
//
// See Team.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/threads/Team.h"

#include "nibble/abi.h"
#include "runtime/threads/Futex.h"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <sched.h>
#include <sys/mman.h>

namespace nibble::rt {

// A pause takes 40 (Zen 3) to 140 cycles (Skylake and later). The least costs a microsecond, a tenth of sleeping. The
// most is half a millisecond to two: in a prefill the members drift apart by a good part of a product's time, and
// waking the halted core of a virtual machine costs much of what was to be gained (a tenth of that most: 4 to 11 %
// slower prefill with two threads on two cores, and 5 % slower decode).
static constexpr int32_t LeastSpins = 32, MostSpins = 40000;

// One failure in a hundred keeps the spins long, one in ten makes them short.
static constexpr int32_t SpinsGained = 256, SpinsDivisor = 4;

// x86 cores compare a load with the stores under way by the last 12 bits of their addresses. Kernels read constants of
// the program over and over, and spill sums to the stack just before: where the two agree in those bits, a product
// takes up to 28 % longer. Constants come first in a program, from offset 0x500 of a page on, so the place of the
// frames in their page decides. Of the multiples of 0x100, 0x900 to 0xb00 were within 2 % of the best for four models
// of 135M to 1B weights in Q4_1 and Q4_K_M; the others lost up to 22 % of prefill on one of them (Zen 3).
static constexpr uintptr_t PageBytes = 4096, FrameOffset = 0xa00;

/// Calls work with its stack frames at FrameOffset in their page and below.
[[gnu::noinline]] static void runInPlace(Team::Function work, void *context, int32_t tid, int32_t members) {
  auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  void *gap = __builtin_alloca((frame - FrameOffset) % PageBytes);
  asm volatile("" : : "r"(gap)); // the gap is there to be left
  work(context, tid, members);
}

int availableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return 1;
  int count = CPU_COUNT(&set);
  return count < 1 ? 1 : count > MaxThreads ? MaxThreads : count;
}

void Team::await(Phase &phase, uint32_t seen, int32_t &spins) const {
  for (int32_t i = 0; i < spins; ++i) {
    if (phase.value.load(std::memory_order_acquire) != seen) {
      spins = std::min(spins + SpinsGained, mostSpins);
      return;
    }
    spinPause();
  }
  spins = std::max(spins / SpinsDivisor, leastSpins);
  phase.sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (phase.value.load(std::memory_order_seq_cst) == seen)
    futexWait(phase.value, seen);
  phase.sleepers.fetch_sub(1, std::memory_order_seq_cst);
}

void Team::advance(Phase &phase) {
  phase.value.fetch_add(1, std::memory_order_seq_cst);
  if (phase.sleepers.load(std::memory_order_seq_cst) != 0)
    futexWakeAll(phase.value);
}

void Team::barrier(int32_t tid) {
  if (members == 1)
    return;
  // The phase cannot move before this member arrives, so this is the phase it waits in.
  uint32_t seen = meeting.value.load(std::memory_order_relaxed);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
    arrived.store(0, std::memory_order_relaxed);
    advance(meeting);
    return;
  }
  await(meeting, seen, memberRecords[tid].meetingSpins);
}

int64_t Team::claim(int32_t tid, int32_t slot, int64_t count) {
  int64_t &begin = memberRecords[tid].claimed[slot];
  // Relaxed: the barriers order what the work reads and writes.
  int64_t number = counters[slot].value.fetch_add(1, std::memory_order_relaxed) - begin;
  // Each member gets one number that is too large, so all know where the next piece of work begins.
  if (number >= count)
    begin += count + members;
  return number;
}

void *Team::memberMain(void *opaque) {
  auto *member = static_cast<Member *>(opaque);
  Team &team = *member->team;
  for (uint32_t seen = 0;; ++seen) {
    team.await(team.job, seen, member->jobSpins);
    if (!team.function)
      return nullptr;
    runInPlace(team.function, team.context, member->tid, team.members);
    team.barrier(member->tid);
  }
}

int Team::start(int threads, uint8_t *stacks) {
  if (threads > MaxThreads)
    threads = MaxThreads;
  job.value.store(0, std::memory_order_relaxed);
  arrived.store(0, std::memory_order_relaxed);
  // With fewer cores than members a spinning waiter holds up the member it waits for.
  bool roomy = threads <= availableProcessors();
  leastSpins = roomy ? LeastSpins : 0;
  mostSpins = roomy ? MostSpins : 0;
  for (Counter &counter : counters)
    counter.value.store(0, std::memory_order_relaxed);
  for (Member &member : memberRecords) {
    member.jobSpins = member.meetingSpins = mostSpins;
    std::fill(std::begin(member.claimed), std::end(member.claimed), 0);
  }
  members = 1;
  // Signals are for the thread that started the team: Ctrl-C has to end its read of a line.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (; members < threads; ++members) {
    uint8_t *stack = stacks + (members - 1) * ThreadStackBytes;
    mprotect(stack, 4096, PROT_NONE); // guard; without it an overflow goes unnoticed, no more
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    Member &member = memberRecords[members];
    member.team = this;
    member.tid = members;
    bool failed = pthread_attr_setstack(&attributes, stack, ThreadStackBytes) != 0 ||
                  pthread_create(&member.thread, &attributes, memberMain, &member) != 0;
    pthread_attr_destroy(&attributes);
    if (failed)
      break;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return members;
}

void Team::stop() {
  function = nullptr;
  advance(job);
  for (int32_t tid = 1; tid < members; ++tid)
    pthread_join(memberRecords[tid].thread, nullptr);
  members = 1;
}

void Team::run(Function work, void *workContext) {
  if (members == 1) {
    runInPlace(work, workContext, 0, 1);
    return;
  }
  function = work;
  context = workContext;
  advance(job);
  runInPlace(work, workContext, 0, members);
  barrier(0);
}

} // namespace nibble::rt

extern "C" void nibble_barrier(void *team, int32_t tid) {
  static_cast<nibble::rt::Team *>(team)->barrier(tid);
}

extern "C" int64_t nibble_claim(void *team, int32_t tid, int32_t slot, int64_t count) {
  return static_cast<nibble::rt::Team *>(team)->claim(tid, slot, count);
}
