//===- KernelBench.cpp - how fast the product kernels are -----------------===//
//
// Prints, for each shape and format, time, bandwidth of the weights and multiply-adds a
// second, beside what the machine can do, measured in the same run: bytes read from the
// same memory, and products of bytes a second of the best instruction at hand.
//
//   KernelBench [row [cpu]]        default: the best row of this machine
//   KernelBench formats [m [cpu]]  every format with the best row for it, m rows of activations (64), the best of
//                                  rounds of all formats in turn, and how near each comes to the fastest format whose
//                                  packed codes are as wide, and to the fastest of those whose numbers, by which
//                                  activations are multiplied, are as wide
//   KernelBench stream [cpu [format ...]]  every format with one row of activations and weights from memory: bytes of
//                                  weights a second, and the part of the fastest reading that is
//
//===----------------------------------------------------------------------===//
#include "codegen/Lower/PanelReader.h"
#include "test/Kernels/KernelProgram.h"
#include "test/Kernels/Product.h"
#include "test/Kernels/ProductCases.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>

using namespace nibble;
using namespace nibble::test;

namespace {

/// Time that this thread has run: other programs cost less of it than of the clock on the wall.
double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

/// Shortest of several runs of `body`, each repeated to last two milliseconds.
template <typename Body> double best(Body body, int attempts = 15) {
  double shortest = 1e9;
  body();
  for (int attempt = 0; attempt < attempts; ++attempt) {
    int count = 0;
    double start = seconds(), now;
    do
      body(), ++count, now = seconds();
    while (now - start < 2e-3);
    shortest = std::min(shortest, (now - start) / count);
  }
  return shortest;
}

/// Bytes a second when `size` bytes are read over and over.
double readBandwidth(size_t size) {
  std::vector<uint64_t> data(size / 8, 1);
  volatile uint64_t sink = 0;
  double time = best([&] {
    uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    const uint64_t *p = data.data();
    for (size_t i = 0; i + 8 <= data.size(); i += 8) {
      a ^= p[i], b ^= p[i + 1], c ^= p[i + 2], d ^= p[i + 3];
      e ^= p[i + 4], f ^= p[i + 5], g ^= p[i + 6], h ^= p[i + 7];
    }
    sink = sink + (a ^ b ^ c ^ d ^ e ^ f ^ g ^ h);
  });
  return size / time;
}

/// Multiply-adds a second of byte products alone, no loads: what no kernel can exceed.
double bytePeak() {
#if defined(__x86_64__)
  constexpr int kLoops = 20000;
  double time = best([] {
    for (int i = 0; i < kLoops; ++i)
      asm volatile("vpmaddubsw %%ymm0,%%ymm1,%%ymm2\n vpmaddubsw %%ymm0,%%ymm1,%%ymm3\n"
                   "vpmaddubsw %%ymm0,%%ymm1,%%ymm4\n vpmaddubsw %%ymm0,%%ymm1,%%ymm5\n"
                   "vpmaddubsw %%ymm0,%%ymm1,%%ymm6\n vpmaddubsw %%ymm0,%%ymm1,%%ymm7\n"
                   "vpmaddubsw %%ymm0,%%ymm1,%%ymm8\n vpmaddubsw %%ymm0,%%ymm1,%%ymm9\n" ::
                       : "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9");
  });
  return 8.0 * 32 * kLoops / time;
#else
  return 0;
#endif
}

struct Problem {
  const char *format;
  int64_t n, k;
};

/// Memory that begins with a line of the cache, as packed weights do in a program.
struct alignas(64) Line {
  uint8_t bytes[64];
};
using Lines = std::vector<Line>;

/// `bytes`, as often as `times`.
Lines linesOf(const Bytes &bytes, int64_t times = 1) {
  Lines lines((bytes.size() * times + sizeof(Line) - 1) / sizeof(Line));
  for (int64_t i = 0; i < times; ++i)
    std::memcpy(reinterpret_cast<uint8_t *>(lines.data()) + i * bytes.size(), bytes.data(), bytes.size());
  return lines;
}

/// The compiled product of m rows of activations with a weight, which stands `times` times below itself.
class Product {
public:
  Product(const TargetInfo &target, const InstructionRow &row, const Weight &w, int64_t m, int64_t times = 1)
      : m(m), isDot(row.kind == RowKind::Dot) {
    unsigned bias = w.biasFor(row);
    Bytes once = w.pack(row.nr(), row.kr(), bias);
    weightBytes = double(once.size()) * times;
    operations = double(m) * w.n * times * w.k;
    Weight whole = w;
    whole.n *= times;
    program.add(productText(row, whole, m, bias, w.isLowBit() ? std::min(32u, w.format->group) : 32));
    error = program.compile(target);
    if (!error.empty())
      return;
    function = program.find("product");
    packed = linesOf(once, times);
    // Interleaved rows fill blocks, and their scales and sums stand twice.
    x = Bytes(m * w.k * 4, 1), s = Bytes(m * w.k / 2), t = Bytes(m * w.k * 4), y = Bytes(m * whole.n * 4);
  }

  void run() {
    if (isDot)
      reinterpret_cast<void (*)(void *, void *, void *, void *, void *, int64_t, int64_t, int64_t)>(function)(
          packed.data(), x.data(), s.data(), t.data(), y.data(), m, 0, 1);
    else
      reinterpret_cast<void (*)(void *, void *, void *, int64_t, int64_t, int64_t)>(function)(
          packed.data(), x.data(), y.data(), m, 0, 1);
  }

  std::string error; ///< why it cannot run, or empty
  double weightBytes = 0, operations = 0; ///< operations: multiply-adds

private:
  int64_t m;
  bool isDot;
  KernelProgram program;
  void *function = nullptr;
  Lines packed;
  Bytes x, s, t, y;
};

void measure(const TargetInfo &target, const InstructionRow &row, const Problem &problem, int64_t m, double peak) {
  std::mt19937 random(1);
  Weight w(*lowbit::findFormat(problem.format), problem.n, problem.k, random);
  Product product(target, row, w, m);
  if (!product.error.empty()) {
    std::printf("%s: %s\n", problem.format, product.error.c_str());
    return;
  }
  double time = best([&] { product.run(); });
  std::printf("%-6s n=%6ld k=%5ld m=%3ld  %9.1f us  %6.1f GB/s of weights  %6.1f G multiply-adds/s  %5.1f %% of peak\n",
              problem.format, long(problem.n), long(problem.k), long(m), time * 1e6, product.weightBytes / time * 1e-9,
              product.operations / time * 1e-9, 100 * product.operations / time / peak);
  std::fflush(stdout);
}

/// Quantization of M rows of K activations.
void measureQuantize(const TargetInfo &target, int64_t k, int64_t m) {
  std::string size = std::to_string(m) + "x", groups = size + std::to_string(k / 32);
  std::string types[] = {"memref<" + size + std::to_string(k) + "xf32>", "memref<" + size + std::to_string(k) + "xi8>",
                         "memref<" + groups + "xf32>", "memref<" + groups + "xi32>"};
  KernelProgram program;
  program.add("func.func @quantize(%x: " + types[0] + ", %c: " + types[1] + ", %s: " + types[2] + ", %t: " + types[3] +
              ", %n: index, %tid: index, %nth: index) {\n  mpgemm.quantize %x, %n into %c, %s, %t {group = 32 : i64, " +
              "sum_group = 32 : i64} : (" + types[0] + ", index, " + types[1] + ", " + types[2] + ", " + types[3] +
              ") -> ()\n  return\n}\n");
  if (std::string error = program.compile(target); !error.empty()) {
    std::printf("%s\n", error.c_str());
    return;
  }
  auto function = reinterpret_cast<void (*)(void *, void *, void *, void *, int64_t, int64_t, int64_t)>(
      program.find("quantize"));
  std::vector<float> x(m * k, 1.5f), s(m * k / 32);
  std::vector<int32_t> t(m * k / 32);
  std::vector<int8_t> c(m * k);
  double time = best([&] { function(x.data(), c.data(), s.data(), t.data(), m, 0, 1); });
  std::printf("quantize k=%5ld m=%3ld  %9.2f us  %6.2f G values/s\n", long(k), long(m), time * 1e6,
              m * k / time * 1e-9);
}

/// Bytes of weights that a product from memory reads: more than caches hold.
constexpr int64_t kStreamBytes = 192 << 20;

/// Runs of a product from memory, whose speed moves.
constexpr int kStreamRounds = 9;

/// A product of one row with weights that repeat until they fill memory.
class Stream {
public:
  Stream(const TargetInfo &target, const lowbit::Format &format) {
    auto has = [&](llvm::StringRef feature) { return target.has(feature); };
    std::mt19937 random(1);
    const InstructionRow *row = bestRow(target.triple, has, hasIntegers(format) ? RowKind::Dot : RowKind::Float);
    Weight w(format, 512, llvm::alignTo(2048, columnsOf(format, *row)), random);
    int64_t bytes = w.layout(row->nr(), row->kr(), w.biasFor(*row)).totalBytes();
    product.emplace(target, *row, w, 1, kStreamBytes / bytes + 1);
  }

  void run() {
    double start = seconds();
    product->run();
    rates.push_back(product->weightBytes / (seconds() - start));
  }

  /// Bytes of weights a second.
  double median() {
    llvm::sort(rates);
    return rates[rates.size() / 2];
  }

  std::optional<Product> product;

private:
  std::vector<double> rates;
};

/// Formats by name, or all; one after the other, and what can be read before and behind each.
int measureStreams(const TargetInfo &target, llvm::ArrayRef<char *> names) {
  auto measureOne = [&](const lowbit::Format &format) {
    if (format.isFloat || (!names.empty() && !llvm::is_contained(names, llvm::StringRef(format.name))))
      return;
    Stream stream(target, format);
    if (const std::string &error = stream.product->error; !error.empty()) {
      std::printf("%s: %s\n", format.name, error.c_str());
      return;
    }
    double read = readBandwidth(kStreamBytes);
    for (int round = 0; round < kStreamRounds; ++round)
      stream.run();
    read = std::max(read, readBandwidth(kStreamBytes));
    std::printf("%-10s %5.1f GB/s of weights, %.2f of %.1f\n", format.name, stream.median() * 1e-9,
                stream.median() / read, read * 1e-9);
    std::fflush(stdout);
  };
  llvm::for_each(lowbit::formats(), measureOne);
  llvm::for_each(ownFormats(), measureOne);
  return 0;
}

/// Rounds of all formats in turn, of which the best counts: what else the machine does changes from minute to minute.
constexpr int kFormatRounds = 9;

/// A product of many rows in a format, and how fast it was.
struct Contender {
  std::string name;
  unsigned bits;       ///< of a packed code
  unsigned multiplied; ///< bits of the numbers; 0 for floats
  Product product;
  double rate = 0; ///< multiply-adds a second

  void run() { rate = std::max(rate, product.operations / best([&] { product.run(); }, 3)); }
};

/// All formats of codes, those of no file too.
std::vector<Contender> contenders(const TargetInfo &target, int64_t m) {
  auto has = [&](llvm::StringRef feature) { return target.has(feature); };
  std::vector<Contender> all;
  auto add = [&](const lowbit::Format &format) {
    if (format.isFloat)
      return;
    std::mt19937 random(1);
    bool isInteger = hasIntegers(format);
    const InstructionRow *row = bestRow(target.triple, has, isInteger ? RowKind::Dot : RowKind::Float);
    Weight w(format, 512, llvm::alignTo(2048, columnsOf(format, *row)), random);
    // Random bytes are denormal numbers too often: slow, and in no model.
    if (format.floatKind == FloatKind::E8M0 || format.floatKind == FloatKind::UE4M3)
      llvm::fill(w.planes.scale, format.floatKind == FloatKind::E8M0 ? 120 : 0x38);
    unsigned multiplied = !isInteger ? 0 : w.kind.isInteger() ? w.kind.width : rangeOfBook(w.kind, row).bits;
    Product product(target, *row, w, m);
    if (product.error.empty())
      all.push_back({format.name, w.kind.width, multiplied, std::move(product)});
    else
      std::printf("%s: %s\n", format.name, product.error.c_str());
  };
  llvm::for_each(lowbit::formats(), add);
  llvm::for_each(ownFormats(), add);
  return all;
}

/// All formats of codes, narrow ones first.
int measureFormats(const TargetInfo &target, int64_t m) {
  std::vector<Contender> all = contenders(target, m);
  for (int round = 0; round < kFormatRounds; ++round)
    for (Contender &contender : all)
      contender.run();
  llvm::sort(all, [](const Contender &a, const Contender &b) {
    return std::pair(a.bits, b.rate) < std::pair(b.bits, a.rate);
  });
  for (const Contender &one : all) {
    double fastest = 0, fastestAlike = 0;
    for (const Contender &other : all) {
      fastest = other.bits == one.bits ? std::max(fastest, other.rate) : fastest;
      fastestAlike = other.multiplied == one.multiplied ? std::max(fastestAlike, other.rate) : fastestAlike;
    }
    std::string multiplied = one.multiplied ? std::to_string(one.multiplied) + " bits" : "floats";
    std::printf("%u bits  %-10s %6.1f G multiply-adds/s  %.2f of the fastest;  %s multiplied, %.2f\n", one.bits,
                one.name.c_str(), one.rate * 1e-9, one.rate / fastest, multiplied.c_str(), one.rate / fastestAlike);
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc > 1 && llvm::StringRef(argv[1]) == "formats") {
    auto target = TargetInfo::get("native", argc > 3 ? argv[3] : "native");
    if (target)
      return measureFormats(*target, argc > 2 ? std::max(1, std::atoi(argv[2])) : 64);
    std::fprintf(stderr, "%s\n", llvm::toString(target.takeError()).c_str());
    return 2;
  }
  auto target = TargetInfo::get("native", argc > 2 ? argv[2] : "native");
  if (!target) {
    std::fprintf(stderr, "%s\n", llvm::toString(target.takeError()).c_str());
    return 2;
  }
  if (argc > 1 && llvm::StringRef(argv[1]) == "stream")
    return measureStreams(*target, llvm::ArrayRef(argv, argc).drop_front(std::min(argc, 3)));
  auto has = [&](llvm::StringRef feature) { return target->has(feature); };
  const InstructionRow *row = argc > 1 ? findRow(argv[1]) : bestRow(target->triple, has, RowKind::Dot);
  if (!row) {
    std::fprintf(stderr, "unknown row\n");
    return 2;
  }
  double peak = bytePeak();
  std::printf(
      "row %s; read bandwidth: %.1f GB/s of 64 MiB, %.1f GB/s of 512 KiB, %.1f of 16 KiB; byte products: %.1f G/s\n",
      row->name.data(), readBandwidth(64 << 20) * 1e-9, readBandwidth(512 << 10) * 1e-9, readBandwidth(16 << 10) * 1e-9,
      peak * 1e-9);
  const Problem quantized[] = {{"q4_1", 960, 576},   {"q4_1", 576, 576},    {"q4_1", 3072, 576},  {"q4_1", 576, 1536},
                               {"q4_1", 49152, 576}, {"q8_0", 49152, 576},  {"q8_0", 3072, 576},  {"q4_0", 3072, 576},
                               {"q5_0", 3072, 576},  {"q4_k", 3072, 2048}, {"q6_k", 3072, 2048}};
  const Problem floats[] = {{"f32", 3072, 576}, {"f16", 3072, 576}, {"bf16", 3072, 576}, {"q4_1", 3072, 576}};
  for (int64_t m : {1, 64})
    for (const Problem &problem : row->kind == RowKind::Dot ? llvm::ArrayRef<Problem>(quantized)
                                                             : llvm::ArrayRef<Problem>(floats))
      if (m == 1 || problem.n < 10000)
        measure(*target, *row, problem, m, peak);
  for (int64_t m : {1, 64})
    measureQuantize(*target, 576, m);
  return 0;
}
