//===- machine.cpp - what this machine can do at most ---------------------===//
//
// Measures the two limits that a figure is compared with: how fast all threads together read memory that no cache
// holds (the fastest of five loops), and how many 8-bit multiply-adds a second they do in registers. Printed as one
// line of JSON.
//
// Why: these machines differ and their bandwidth moves from minute to minute, so a speed means something only as a
// fraction of a limit that was measured in the same run. Built with -march=native by compare.py; needs nothing but
// pthreads. Usage: machine THREADS [SECONDS]
//
// An operation is a multiplication or an addition: a multiply-add counts two.
//
//===----------------------------------------------------------------------===//
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace {

double now() {
  using clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
}

std::atomic<uint64_t> sink; // keeps the compiler from dropping the work

/// Runs `body(thread)` on all threads over and over until `seconds` have passed; returns calls a second, all threads.
template <typename Body> double rate(int threads, double seconds, Body body) {
  std::vector<uint64_t> calls(threads);
  std::vector<std::thread> team;
  std::atomic<int> ready{0};
  double start = 0;
  std::atomic<bool> go{false};
  for (int t = 0; t < threads; ++t)
    team.emplace_back([&, t] {
      body(t); // warm: pages mapped, clock raised
      ready.fetch_add(1);
      while (!go.load())
        std::this_thread::yield();
      uint64_t done = 0;
      for (double end = start + seconds; now() < end; ++done)
        body(t);
      calls[t] = done;
    });
  while (ready.load() != threads)
    std::this_thread::yield();
  start = now();
  go.store(true);
  for (std::thread &thread : team)
    thread.join();
  uint64_t sum = 0;
  for (uint64_t count : calls)
    sum += count;
  return double(sum) / (now() - start);
}

constexpr size_t kTotal = size_t(1) << 30; // bytes in all: more than any cache of these machines holds
constexpr size_t kPiece = size_t(16) << 20; // a call reads one piece; long enough to hide the clock
constexpr size_t kLine = 64;

/// Reads a piece, and by instruction fetches what lies `Ahead` bytes behind the loads (0: nothing).
template <size_t Ahead> uint64_t readPiece(const char *memory) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i < kPiece; i += 4 * kLine) {
    if constexpr (Ahead != 0)
      for (size_t line = 0; line < 4; ++line)
        __builtin_prefetch(memory + i + Ahead + line * kLine);
    auto *words = reinterpret_cast<const uint64_t *>(memory + i);
    for (size_t j = 0; j < 4 * kLine / sizeof(uint64_t); ++j)
      sums[j % 8] ^= words[j];
  }
  uint64_t all = 0;
  for (uint64_t sum : sums)
    all ^= sum;
  return all;
}

/// Bytes a second that `threads` threads read, the fastest of several ways. A plain loop is no limit: it waits where
/// the processor's own prefetcher stops at the end of a page. So lines are fetched ahead, too, at several distances.
double readBandwidth(int threads, double seconds) {
  constexpr uint64_t (*ways[])(const char *) = {readPiece<0>, readPiece<1024>, readPiece<2048>, readPiece<4096>,
                                                readPiece<8192>};
  size_t perThread = kTotal / threads / kPiece * kPiece;
  std::vector<char> memory(kTotal + kPiece, 1); // fetching ahead goes past the end
  double best = 0;
  for (auto way : ways) {
    std::vector<size_t> offset(threads * 8); // 64 bytes apart: no shared cache line
    double calls = rate(threads, seconds / std::size(ways), [&](int t) {
      sink += way(memory.data() + perThread * t + offset[t * 8]);
      offset[t * 8] = (offset[t * 8] + kPiece) % perThread;
    });
    best = std::max(best, calls * double(kPiece));
  }
  return best;
}

constexpr int kChains = 12;      // independent accumulators: latency × throughput of all these units is below it
constexpr int kSteps = 1 << 16;  // multiply-add steps of one call and chain

#if defined(__AVX512VNNI__)
const char *kInstruction = "vpdpbusd zmm";
constexpr double kOperations = 128;
using Vector = __m512i;
inline void step(Vector &acc, Vector a, Vector b) { asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b)); }
inline Vector zero() { return _mm512_setzero_si512(); }
inline uint64_t lowWord(Vector v) { return uint64_t(_mm_cvtsi128_si64(_mm512_castsi512_si128(v))); }
#elif defined(__AVX2__)
const char *kInstruction = "vpmaddubsw + vpmaddwd + vpaddd ymm";
constexpr double kOperations = 64;
using Vector = __m256i;
inline void step(Vector &acc, Vector a, Vector b) {
  Vector pairs;
  asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0" : "+x"(acc), "=&x"(pairs) : "x"(a), "x"(b));
}
inline Vector zero() { return _mm256_setzero_si256(); }
inline uint64_t lowWord(Vector v) { return uint64_t(_mm_cvtsi128_si64(_mm256_castsi256_si128(v))); }
#elif defined(__ARM_FEATURE_DOTPROD)
const char *kInstruction = "sdot v.4s";
constexpr double kOperations = 32;
using Vector = int32x4_t;
inline void step(Vector &acc, Vector a, Vector b) { asm("sdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(a), "w"(b)); }
inline Vector zero() { return vdupq_n_s32(0); }
inline uint64_t lowWord(Vector v) { return uint64_t(vgetq_lane_s32(v, 0)); }
#else
const char *kInstruction = "scalar";
constexpr double kOperations = 2;
using Vector = uint64_t;
inline void step(Vector &acc, Vector a, Vector b) { acc += a * b; }
inline Vector zero() { return 0; }
inline uint64_t lowWord(Vector v) { return v; }
#endif

/// 8-bit operations a second in registers.
double byteOperations(int threads, double seconds) {
  double calls = rate(threads, seconds, [&](int) {
    Vector acc[kChains], a = zero(), b = zero();
    for (Vector &chain : acc)
      chain = zero();
    for (int i = 0; i < kSteps; ++i) {
#pragma clang loop unroll(full)
      for (int j = 0; j < kChains; ++j)
        step(acc[j], a, b);
    }
    uint64_t all = 0;
    for (Vector &chain : acc)
      all += lowWord(chain);
    sink += all;
  });
  return calls * kSteps * kChains * kOperations;
}

} // namespace

int main(int argc, char **argv) {
  int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  double seconds = argc > 2 ? std::atof(argv[2]) : 1.0;
  if (threads < 1 || seconds <= 0) {
    std::fprintf(stderr, "usage: machine THREADS [SECONDS]\n");
    return 2;
  }
  double read = readBandwidth(threads, seconds), operations = byteOperations(threads, seconds);
  std::printf("{\"threads\": %d, \"read_gb_s\": %.2f, \"int8_tops\": %.4f, \"instruction\": \"%s\"}\n", threads,
              read / 1e9, operations / 1e12, kInstruction);
}
