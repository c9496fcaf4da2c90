// Times of operations: every moment of a step is counted once, to the right thread and operation, and loads are sums.
#include "runtime/threads/OpTimes.h"

#include "nibble/abi.h"

#include <gtest/gtest.h>
#include <time.h>
#include <vector>

using namespace nibble::rt;

namespace {

constexpr uint32_t Threads = 3, Ops = 2;

class OpTimesTest : public testing::Test {
protected:
  OpTimesTest() : memory(OpTimes::workspaceSize(Threads, Ops) + 128) {
    auto address = reinterpret_cast<uintptr_t>(memory.data());
    times.initialize(memory.data() + (128 - address % 128) % 128, Threads, Ops);
  }
  static void sleepMilliseconds(long ms) {
    timespec duration = {0, ms * 1000000};
    nanosleep(&duration, nullptr);
  }

  std::vector<uint8_t> memory;
  OpTimes times;
};

TEST_F(OpTimesTest, NothingAtFirstAndAfterClear) {
  times.mark(1, 1, NIBBLE_PROFILE_WORKED);
  times.clear();
  OpTotal total = times.total(1);
  EXPECT_EQ(total.calls, 0u);
  EXPECT_EQ(total.workSeconds, 0);
  EXPECT_EQ(total.rows, 0u);
}

TEST_F(OpTimesTest, WorkAndWaitAreTheTimesBetweenMarks) {
  times.mark(0, 0, NIBBLE_PROFILE_BEGIN); // what lies before does not count
  sleepMilliseconds(6);
  times.mark(0, 1, NIBBLE_PROFILE_WORKED);
  sleepMilliseconds(3);
  times.mark(0, 1, NIBBLE_PROFILE_WAITED);
  times.account(0, 1);
  OpTotal total = times.total(1), other = times.total(0);
  EXPECT_EQ(total.calls, 1u);
  EXPECT_EQ(total.waits, 1u);
  EXPECT_GE(total.longestSeconds, 6e-3);
  EXPECT_GE(total.workSeconds, 6e-3 / Threads); // the mean: the other threads did nothing
  EXPECT_NEAR(total.workSeconds, total.longestSeconds / Threads, 1e-9);
  EXPECT_GE(total.waitSeconds, 3e-3 / Threads);
  EXPECT_EQ(other.calls + other.waits, 0u);
  EXPECT_EQ(other.workSeconds + other.waitSeconds, 0);
}

TEST_F(OpTimesTest, LoadsAreSummedOverCalls) {
  auto step = [&](int calls, int64_t pos, int64_t rows) {
    for (int call = 0; call < calls; ++call)
      times.mark(0, 0, NIBBLE_PROFILE_WORKED);
    times.account(pos, rows);
  };
  step(2, 0, 4); // two layers; the rows see 1, 2, 3 and 4 positions
  step(1, 4, 1); // a row that sees 5
  OpTotal total = times.total(0);
  EXPECT_EQ(total.calls, 3u);
  EXPECT_EQ(total.rows, 2 * 4 + 1u);
  EXPECT_EQ(total.positions, 2 * 4 + 5u);
  EXPECT_EQ(total.rowPositions, 2 * 10 + 5u);
}

TEST(OpTimes, WithoutOperationsNoMemory) { EXPECT_EQ(OpTimes::workspaceSize(64, 0), 0u); }

} // namespace
