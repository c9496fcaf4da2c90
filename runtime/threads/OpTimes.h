//===- OpTimes.h - where the time of a step goes -----------------*- C++ -*-===//
//
// What:  for each thread and each operation of the generated code, the time that
//        the thread worked on it and the time that it then waited at a barrier;
//        for each operation, how many rows and positions of the context it saw.
// Why:   code compiled with --profile tells the runtime whenever a thread is done
//        with an operation (nibble_profile in abi.h); a clock read and two sums are
//        all that may cost, since a token passes several hundred such marks.
// Contract: mark() is called by thread tid alone; everything else by the thread that
//        runs the team, between steps. The memory is the caller's. A thread's times
//        between the beginning and the end of a step are counted exactly once, so
//        an operation's work and wait, averaged over the threads, add up to the
//        duration of the steps.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>

namespace nibble::rt {

/// What is known of one operation after some steps.
struct OpTotal {
  uint64_t calls = 0, waits = 0;        // of one thread: each thread takes part in every call
  double workSeconds = 0;               // mean over the threads
  double waitSeconds = 0;               // mean over the threads
  double longestSeconds = 0;            // work of the thread that worked longest
  uint64_t rows = 0;                    // sum over the calls
  uint64_t positions = 0;               // sum over the calls of the positions that the call's last row sees
  uint64_t rowPositions = 0;            // sum over the calls and their rows of the positions that the row sees
};

class OpTimes {
public:
  static size_t workspaceSize(uint32_t threads, uint32_t ops);

  /// `memory`: workspaceSize(threads, ops) bytes, aligned to FalseSharingBytes.
  void initialize(uint8_t *memory, uint32_t threads, uint32_t ops);
  uint32_t size() const { return opCount; }
  void clear();

  void mark(int32_t tid, int32_t op, int32_t event);
  /// After a step of `rows` rows, the first at position `pos`.
  void account(int64_t pos, int64_t rows);

  OpTotal total(uint32_t op) const;

private:
  struct Slot {
    uint64_t work, wait; // nanoseconds
    uint64_t calls, waits;
  };
  struct Load {
    uint64_t seenCalls, rows, positions, rowPositions;
  };
  struct Thread {
    uint64_t last; // nanoseconds of the clock at the last mark
  };

  static size_t threadBytes(uint32_t ops);
  Thread &thread(uint32_t tid) const;
  Slot *slots(uint32_t tid) const;

  uint8_t *memory = nullptr; // the threads' records, each on its own cache lines, then one Load for each operation
  Load *loads = nullptr;
  uint32_t threadCount = 0, opCount = 0;
};

} // namespace nibble::rt
