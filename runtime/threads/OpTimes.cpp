//===- OpTimes.cpp - where the time of a step goes -----------------------===//
//
// See OpTimes.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/threads/OpTimes.h"

#include "nibble/abi.h"
#include "runtime/threads/Team.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace nibble::rt {

static uint64_t nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

size_t OpTimes::threadBytes(uint32_t ops) {
  size_t bytes = FalseSharingBytes + ops * sizeof(Slot);
  return (bytes + FalseSharingBytes - 1) / FalseSharingBytes * FalseSharingBytes;
}

size_t OpTimes::workspaceSize(uint32_t threads, uint32_t ops) {
  return ops == 0 ? 0 : threads * threadBytes(ops) + ops * sizeof(Load);
}

void OpTimes::initialize(uint8_t *newMemory, uint32_t threads, uint32_t ops) {
  memory = newMemory;
  threadCount = threads;
  opCount = ops;
  loads = reinterpret_cast<Load *>(memory + threads * threadBytes(ops));
  clear();
}

void OpTimes::clear() { memset(memory, 0, workspaceSize(threadCount, opCount)); }

OpTimes::Thread &OpTimes::thread(uint32_t tid) const {
  return *reinterpret_cast<Thread *>(memory + tid * threadBytes(opCount));
}

OpTimes::Slot *OpTimes::slots(uint32_t tid) const {
  return reinterpret_cast<Slot *>(memory + tid * threadBytes(opCount) + FalseSharingBytes);
}

void OpTimes::mark(int32_t tid, int32_t op, int32_t event) {
  uint64_t now = nanoseconds();
  Thread &own = thread(tid);
  uint64_t passed = now - own.last;
  own.last = now;
  if (event == NIBBLE_PROFILE_BEGIN)
    return;
  Slot &slot = slots(tid)[op];
  bool worked = event == NIBBLE_PROFILE_WORKED;
  (worked ? slot.work : slot.wait) += passed;
  ++(worked ? slot.calls : slot.waits);
}

void OpTimes::account(int64_t pos, int64_t rows) {
  uint64_t n = static_cast<uint64_t>(rows), first = static_cast<uint64_t>(pos);
  for (uint32_t op = 0; op < opCount; ++op) {
    Load &load = loads[op];
    uint64_t calls = slots(0)[op].calls - load.seenCalls;
    load.seenCalls += calls;
    load.rows += calls * n;
    load.positions += calls * (first + n);
    load.rowPositions += calls * (n * first + n * (n + 1) / 2); // row i sees pos + i + 1 positions
  }
}

OpTotal OpTimes::total(uint32_t op) const {
  OpTotal total;
  for (uint32_t tid = 0; tid < threadCount; ++tid) {
    const Slot &slot = slots(tid)[op];
    double work = static_cast<double>(slot.work) * 1e-9;
    total.workSeconds += work / threadCount;
    total.waitSeconds += static_cast<double>(slot.wait) * 1e-9 / threadCount;
    total.longestSeconds = std::max(total.longestSeconds, work);
  }
  total.calls = slots(0)[op].calls;
  total.waits = slots(0)[op].waits;
  total.rows = loads[op].rows;
  total.positions = loads[op].positions;
  total.rowPositions = loads[op].rowPositions;
  return total;
}

} // namespace nibble::rt

extern "C" void nibble_profile(void *team, int32_t tid, int32_t op, int32_t event) {
  if (nibble::rt::OpTimes *times = static_cast<nibble::rt::Team *>(team)->times)
    times->mark(tid, op, event);
}
