// The thread team: every member runs, barriers order memory, more members than cores, start and stop again.
#include "runtime/threads/Team.h"

#include "nibble/abi.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace nibble::rt;

namespace {

class TeamTest : public testing::TestWithParam<int> {
protected:
  void SetUp() override {
    bytes = MaxThreads * ThreadStackBytes;
    stacks = static_cast<uint8_t *>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(stacks, MAP_FAILED);
  }
  void TearDown() override { munmap(stacks, bytes); }

  Team team;
  uint8_t *stacks = nullptr;
  size_t bytes = 0;
};

struct Work {
  Team *team;
  std::vector<int64_t> cells; // plain memory: only barriers order it
  int rounds;
  bool wrong = false;
};

/// Each round every member writes its cell, meets, and adds up all cells; a lost or early barrier breaks the sum.
void rounds(void *context, int32_t tid, int32_t nthreads) {
  auto &work = *static_cast<Work *>(context);
  for (int round = 1; round <= work.rounds; ++round) {
    work.cells[tid] = int64_t(round) * (tid + 1);
    nibble_barrier(work.team, tid);
    int64_t sum = 0;
    for (int32_t i = 0; i < nthreads; ++i)
      sum += work.cells[i];
    if (sum != int64_t(round) * nthreads * (nthreads + 1) / 2)
      work.wrong = true;
    nibble_barrier(work.team, tid);
  }
}

TEST_P(TeamTest, BarriersOrderMemory) {
  ASSERT_EQ(team.start(GetParam(), stacks), GetParam());
  EXPECT_EQ(team.size(), GetParam());
  // Sleeping members are slower by a factor of hundreds; the oversubscribed teams do fewer rounds.
  Work work{&team, std::vector<int64_t>(MaxThreads), GetParam() <= availableProcessors() ? 2000 : 100};
  for (int call = 0; call < 3; ++call)
    team.run(rounds, &work);
  EXPECT_FALSE(work.wrong);
  team.stop();
}

TEST_P(TeamTest, RunsManyShortJobs) {
  ASSERT_EQ(team.start(GetParam(), stacks), GetParam());
  struct Counts {
    std::atomic<int64_t> calls{0};
    std::atomic<int64_t> ids{0};
  } counts;
  int jobs = GetParam() <= availableProcessors() ? 1000 : 100;
  for (int job = 0; job < jobs; ++job)
    team.run([](void *context, int32_t tid, int32_t) {
      auto &c = *static_cast<Counts *>(context);
      c.calls.fetch_add(1);
      c.ids.fetch_add(tid);
    }, &counts);
  EXPECT_EQ(counts.calls, int64_t(jobs) * GetParam());
  EXPECT_EQ(counts.ids, int64_t(jobs) * GetParam() * (GetParam() - 1) / 2);
  team.stop();
}

struct ClaimedWork {
  Team *team;
  std::vector<std::atomic<int32_t>> takers; // of each number
  int rounds;
};

/// Pieces of work of changing size in two slots, one behind the other without a barrier between them.
void claimRounds(void *context, int32_t tid, int32_t) {
  auto &work = *static_cast<ClaimedWork *>(context);
  for (int round = 0; round < work.rounds; ++round) {
    for (int32_t slot : {0, NIBBLE_CLAIM_SLOTS - 1}) {
      int64_t count = (round + slot) % 5; // also nothing to do
      for (int64_t i = nibble_claim(work.team, tid, slot, count); i < count;
           i = nibble_claim(work.team, tid, slot, count))
        work.takers[i].fetch_add(1);
    }
    nibble_barrier(work.team, tid);
  }
}

TEST_P(TeamTest, ClaimsHandOutEachNumberOnce) {
  ASSERT_EQ(team.start(GetParam(), stacks), GetParam());
  ClaimedWork work{&team, std::vector<std::atomic<int32_t>>(5), 100};
  for (int call = 0; call < 3; ++call)
    team.run(claimRounds, &work);
  // Sizes 0 … 4 come up equally often: number i is in the 4 - i larger ones.
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(work.takers[i], 3 * 2 * 20 * (4 - i)) << i;
  team.stop();
}

TEST_P(TeamTest, WakesSleepersAndStartsAgain) {
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(team.start(GetParam(), stacks), GetParam());
    usleep(20000); // all members are asleep by now
    Work work{&team, std::vector<int64_t>(MaxThreads), 5};
    team.run(rounds, &work);
    EXPECT_FALSE(work.wrong);
    team.stop();
    EXPECT_EQ(team.size(), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TeamTest, testing::Values(1, 2, 3, 8, MaxThreads));

TEST(TeamLimits, ProcessorsAreCounted) {
  EXPECT_GE(availableProcessors(), 1);
  EXPECT_LE(availableProcessors(), MaxThreads);
}

} // namespace
