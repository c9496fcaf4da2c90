//===- ProductCases.cpp - products with packed weights, and what they must be //
//
// See ProductCases.h.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/ProductCases.h"

#include "codegen/Intrinsics/RowCost.h"
#include "test/Kernels/Activations.h"
#include "test/Kernels/Product.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace nibble::test {

llvm::ArrayRef<Machine> machines() {
  static const Machine table[] = {
      {"x86_avx512vbmi_1x16x4_u8s8s32", "x86_64-linux-gnu", "znver4", true},
      {"x86_avx512vnni_1x16x4_u8s8s32", "x86_64-linux-gnu", "icelake-server", true},
      {"x86_avxvnni_1x8x4_u8s8s32", "x86_64-linux-gnu", "alderlake", true},
      {"x86_avx2_1x8x4_u7s8s32", "x86_64-linux-gnu", "haswell", true},
      {"generic_base_1x4x4_s8s8s32", "x86_64-linux-gnu", "x86-64", false},
      {"aarch64_sve512i8mm_2x16x8_s8s8s32", "aarch64-linux-gnu", "neoverse-v1+sve-512-bit", true},
      {"aarch64_sve512_1x16x4_s8s8s32", "aarch64-linux-gnu", "a64fx", true},
      {"aarch64_sve256i8mm_2x8x8_s8s8s32", "aarch64-linux-gnu", "neoverse-v1", true},
      {"aarch64_sve256_1x8x4_s8s8s32", "aarch64-linux-gnu", "neoverse-v1", true},
      {"aarch64_sve128i8mm_2x4x8_s8s8s32", "aarch64-linux-gnu", "neoverse-n2", true},
      {"aarch64_sve128_1x4x4_s8s8s32", "aarch64-linux-gnu", "neoverse-n2", true},
      {"aarch64_i8mm_2x4x8_s8s8s32", "aarch64-linux-gnu", "neoverse-n2", true},
      {"aarch64_dotprod_1x4x4_s8s8s32", "aarch64-linux-gnu", "cortex-a76", true},
      {"aarch64_usdot_1x4x4_u8s8s32", "aarch64-linux-gnu", "neoverse-n2", true},
      {"aarch64_neon_1x4x4_s8s8s32", "aarch64-linux-gnu", "cortex-a72", true},
      {"generic_base_1x4x4_s8s8s32", "aarch64-linux-gnu", "cortex-a53", true},
      {"x86_avx512f_1x16x1_f32f32f32", "x86_64-linux-gnu", "icelake-server", true},
      {"x86_fma_1x8x1_f32f32f32", "x86_64-linux-gnu", "haswell", true},
      {"generic_base_1x4x1_f32f32f32", "x86_64-linux-gnu", "x86-64", false},
      {"aarch64_neon_1x4x1_f32f32f32", "aarch64-linux-gnu", "cortex-a53", true},
      {"x86_avx512bw_1x16x16_lut_s8s32", "x86_64-linux-gnu", "icelake-server", true},
      {"x86_avx2_1x8x8_lut_s8s32", "x86_64-linux-gnu", "haswell", true},
      {"generic_base_1x4x4_lut_s8s32", "x86_64-linux-gnu", "x86-64", false},
      {"aarch64_neon_1x4x4_lut_s8s32", "aarch64-linux-gnu", "cortex-a76", true},
      {"x86_avx512bw_1x16x16_lutavg_s8s32", "x86_64-linux-gnu", "icelake-server", true},
      {"x86_avx2_1x8x8_lutavg_s8s32", "x86_64-linux-gnu", "haswell", true},
      {"generic_base_1x4x4_lutavg_s8s32", "x86_64-linux-gnu", "x86-64", false},
      {"aarch64_neon_1x4x4_lutavg_s8s32", "aarch64-linux-gnu", "cortex-a76", true},
  };
  return table;
}

int64_t columnsOf(const lowbit::Format &format, const InstructionRow &row) {
  int64_t span = format.isFloat ? 1 : std::max(32u, format.blockElements);
  if (!format.isFloat && row.kind == RowKind::Dot && format.codeKind().width % 2 == 1)
    span = std::max(span, 8 * row.kr()); // a plane of one bit is whole vectors
  return span;
}

bool hasIntegers(const lowbit::Format &format) {
  lowbit::CodeKind kind = format.codeKind();
  return !format.isFloat && (kind.isInteger() || kind.book->isInteger());
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

namespace {

/// Quantized activations, and numbers of a float kind as f32, of M rows.
struct Activations {
  std::vector<float> x, scales;
  std::vector<int8_t> codes;
  std::vector<int32_t> sums;

  Activations(FloatKind kind, int64_t m, int64_t k, int64_t sumGroup, std::mt19937 &random);
};

Activations::Activations(FloatKind kind, int64_t m, int64_t k, int64_t sumGroup, std::mt19937 &random) {
  for (int64_t i = 0; i < m * k; ++i) {
    x.push_back(toFloat(kind, bitsOfNearest(kind, std::uniform_real_distribution<float>(-3, 3)(random))));
    // The extremes often: they are where narrow sums overflow.
    int choice = random() % 8;
    codes.push_back(choice == 0 ? 127 : choice == 1 ? -127 : int8_t(int(random() % 255) - 127));
  }
  for (int64_t i = 0; i < m * k / 32; ++i)
    scales.push_back(random() % 9 == 0 ? 0 : std::uniform_real_distribution<float>(0, 0.1f)(random));
  for (int64_t i = 0; i < m * k / sumGroup; ++i) {
    sums.push_back(0);
    for (int64_t j = 0; j < sumGroup; ++j)
      sums.back() += codes[i * sumGroup + j];
  }
}

template <typename T> std::shared_ptr<Bytes> bytesOf(const std::vector<T> &values) {
  auto bytes = std::make_shared<Bytes>(values.size() * sizeof(T));
  std::memcpy(bytes->data(), values.data(), bytes->size());
  return bytes;
}

//===----------------------------------------------------------------------===//
// The definition
//===----------------------------------------------------------------------===//

/// A result as it is defined, and in (nearly) exact arithmetic with the sum of its terms' magnitudes.
struct Result {
  float value = 0;
  double exact = 0, magnitude = 0;
  double integers = 0; ///< Σ of the magnitudes of what scales are multiplied with
  int terms = 0;
};

class Definition {
public:
  Definition(const Weight &w, const Activations &a, const InstructionRow &row, bool fused)
      : w(w), a(a), row(row), fused(fused) {}

  Result dot(int64_t m, int64_t n) const;
  Result groupsInFloat(int64_t m, int64_t n) const;
  Result floats(int64_t m, int64_t n) const;

private:
  void multiplyAdd(Result &result, float x, float y, double exact, double integer = 1) const;
  void addPair(Result &result, double first, double second) const;
  void addMinima(Result &result, int64_t m, int64_t n, int64_t column, const std::vector<int32_t> &sums) const;
  void countMinima(Result &result, int64_t m, int64_t n, int64_t column, const std::vector<int32_t> &sums) const;
  int32_t averagedDot(int64_t m, int64_t n, int64_t first, int64_t run) const;
  bool foldsScales() const;
  float multiplyAdd(float x, float y, float sum) const;

  const Weight &w;
  const Activations &a;
  const InstructionRow &row;
  bool fused;
};

/// Σ number·activation of a run as dialects/MPGEMM/AveragedSums.h defines it.
int32_t Definition::averagedDot(int64_t m, int64_t n, int64_t first, int64_t run) const {
  const lowbit::IntegerKind &kind = w.format->codes.kind;
  auto code = [&](int64_t column) { // a number with a sign as offset binary
    return w.planes.codes[n * w.k + column] ^ (kind.isSigned ? 1 << (kind.width - 1) : 0);
  };
  const int8_t *x = &a.codes[m * w.k];
  int32_t total = 0, base = 0, ofCodes = 0;
  for (int64_t c = first; c < first + run; ++c)
    base += std::min<int>(x[c], 0), ofCodes += x[c];
  for (unsigned bit = 0; bit < kind.width; ++bit) {
    std::vector<int> averages;
    for (int64_t c = first; c < first + run; c += 4) {
      int entry = 0;
      for (int64_t i = c; i < c + 4; ++i)
        entry += (code(i) >> bit & 1 ? x[i] : 0) - std::min<int>(x[i], 0);
      averages.push_back((entry + 1) >> 1);
    }
    for (size_t half = averages.size() / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i)
        averages[i] = (averages[i] + averages[i + half] + 1) >> 1;
    int32_t sum = int32_t(run / 4 * 2) * averages[0] - int32_t(mpgemm::averagedBias(run / 4));
    total += (sum + base) * (1 << bit);
  }
  return total - int32_t(code(first) - w.number(n, first)) * ofCodes;
}

float Definition::multiplyAdd(float x, float y, float sum) const {
  volatile float product = x * y;
  return fused ? std::fma(x, y, sum) : product + sum;
}

void Definition::multiplyAdd(Result &result, float x, float y, double exact, double integer) const {
  result.value = multiplyAdd(x, y, result.value);
  result.exact += exact, result.magnitude += std::abs(exact);
  result.integers += std::abs(integer);
  ++result.terms;
}

Result Definition::dot(int64_t m, int64_t n) const {
  int64_t run = std::min<int64_t>(w.format->group, 32), span = w.format->isTwoLevel() ? 32 : run;
  if (run < 32 && addsGroupsInFloat(row, w.format->isTwoLevel()) && !foldsScales())
    return groupsInFloat(m, n);
  constexpr int64_t kMostSuperBlock = 512;
  int64_t block = w.format->scaleSpan();
  SuperBlocks format = foldsScales()        ? SuperBlocks::Folded
                       : w.kind.isInteger() ? SuperBlocks::Integers
                                            : SuperBlocks::Lists;
  bool scalesBlocks = run < span && scalesSuperBlocks(row, format) && block <= kMostSuperBlock;
  bool countsMinima = scalesBlocks && looksUpMinima(row) && w.format->hasMin() && !w.format->subMins.kind.isSigned &&
                      w.format->subMins.kind.width <= 4;
  Result result, ofBlock;
  std::vector<int32_t> blockSums;
  for (int64_t column = 0; column < w.k; column += span) {
    int32_t total = 0;
    std::vector<int32_t> sums;
    for (int64_t first = column; first < column + span; first += run) {
      int32_t dot = 0;
      sums.push_back(0);
      for (int64_t c = first; c < first + run; ++c) {
        dot += int32_t(w.number(n, c)) * a.codes[m * w.k + c];
        sums.back() += a.codes[m * w.k + c];
      }
      if (row.averages)
        dot = averagedDot(m, n, first, run);
      total += run < span ? w.subScale(n, first) * dot : dot;
    }
    float da = a.scales[(m * w.k + column) / 32];
    if (scalesBlocks) {
      ofBlock.value = multiplyAdd(da, float(total), ofBlock.value);
      double d = w.floatScale(n, column), exact = d * da * total;
      result.exact += exact, result.magnitude += std::abs(exact), result.integers += std::abs(total) + std::abs(d);
      ++result.terms, blockSums.insert(blockSums.end(), sums.begin(), sums.end());
      if (int64_t last = column + span, first = last - block; last % block == 0) {
        multiplyAdd(result, float(d), ofBlock.value, 0);
        ofBlock.value = 0;
        if (countsMinima)
          countMinima(result, m, n, first, blockSums);
        else
          addMinima(result, m, n, first, blockSums);
        blockSums.clear();
      }
      continue;
    }
    bool keepsSub = run < span;
    double scale = w.floatScale(n, column);
    if (w.format->isTwoLevel() && !keepsSub)
      scale *= w.subScale(n, column);
    multiplyAdd(result, (keepsSub ? w.floatScale(n, column) : w.scale(n, column)) * da, float(total),
                scale * da * total, keepsSub ? total : double(total) * 255);
    addMinima(result, m, n, column, sums);
  }
  return result;
}

/// Those of the groups from `column` on with these sums of activations.
void Definition::addMinima(Result &result, int64_t m, int64_t n, int64_t column,
                           const std::vector<int32_t> &sums) const {
  for (size_t i = 0; w.format->hasMin() && i < sums.size(); ++i) {
    int64_t first = column + int64_t(i) * std::min<int64_t>(w.format->group, 32);
    float minimum = w.minimum(n, first), da = a.scales[(m * w.k + first) / 32];
    multiplyAdd(result, minimum, da * float(sums[i]), double(minimum) * da * sums[i], sums[i]);
  }
}

/// Those of a super block, whose integers meet the float scale together.
void Definition::countMinima(Result &result, int64_t m, int64_t n, int64_t column,
                             const std::vector<int32_t> &sums) const {
  float dmin = toFloat(w.format->floatKind, w.planes.min[(n * w.k + column) / w.format->scaleSpan()]), count = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    int64_t first = column + int64_t(i) * w.format->group;
    int integer = w.planes.subMin[(n * w.k + first) / w.format->group];
    float da = a.scales[(m * w.k + first) / 32];
    volatile float scaled = da * float(sums[i]), product = float(integer) * scaled;
    count += product;
    double exact = -double(dmin) * integer * da * sums[i];
    result.exact += exact, result.magnitude += std::abs(exact);
    result.integers += std::abs(double(sums[i])) + std::abs(double(dmin));
    ++result.terms;
  }
  multiplyAdd(result, -dmin, count, 0);
}

/// Whether a signed byte holds all products of the format's numbers and integer scales, or minus these.
bool Definition::foldsScales() const {
  if (!w.format->isTwoLevel() || w.kind.stored != lowbit::CodeKind::None)
    return false;
  lowbit::IntegerKind sub = w.format->subScales.kind;
  int64_t low = 0, high = 0;
  for (int64_t scale : {sub.min(), sub.max()})
    for (unsigned code = 0; code < 1u << w.kind.width; ++code) {
      int64_t product = scale * (int64_t(w.kind.number(code)) - w.format->zeroPoint);
      low = std::min(low, product), high = std::max(high, product);
    }
  return (low >= -128 && high <= 127) || (high <= 128 && low >= -127);
}

/// Per 32 columns: the scaled sums of groups, added in f32, times the activation scale.
Result Definition::groupsInFloat(int64_t m, int64_t n) const {
  int64_t run = w.format->group;
  Result result;
  for (int64_t column = 0; column < w.k; column += 32) {
    float da = a.scales[(m * w.k + column) / 32], scaled = 0;
    std::vector<int32_t> sums;
    double exact = 0, magnitude = 0;
    for (int64_t first = column; first < column + 32; first += run) {
      int32_t dot = 0;
      sums.push_back(0);
      for (int64_t c = first; c < first + run; ++c) {
        dot += int32_t(w.number(n, c)) * a.codes[m * w.k + c];
        sums.back() += a.codes[m * w.k + c];
      }
      float dw = w.scale(n, first);
      volatile float product = dw * float(dot);
      scaled = first == column ? product : multiplyAdd(dw, float(dot), scaled);
      double scale = w.floatScale(n, first) * double(w.format->isTwoLevel() ? w.subScale(n, first) : 1);
      exact += scale * da * dot, magnitude += std::abs(scale * da * dot);
      result.integers += std::abs(double(dot)) * 255;
      ++result.terms;
    }
    multiplyAdd(result, da, scaled, exact);
    result.magnitude += magnitude - std::abs(exact);
    addMinima(result, m, n, column, sums);
  }
  return result;
}

/// a + b rounded to odd: towards zero, and where that is not exact to the neighbour whose last bit is set. `a` and `b`
/// are products of two bf16, or floats.
float addToOdd(double a, double b) {
  double sum = a + b, rest = b - (sum - a) + (a - (sum - (sum - a))); // two-sum: sum + rest = a + b
  float towardsZero = float(sum);
  bool beyond = std::fabs(double(towardsZero)) > std::fabs(sum) ||
                (double(towardsZero) == sum && rest != 0 && (rest < 0) != (sum < 0));
  if (beyond)
    towardsZero = std::nextafter(towardsZero, 0.0f);
  bool exact = double(towardsZero) == sum && rest == 0;
  return exact ? towardsZero : std::bit_cast<float>(std::bit_cast<uint32_t>(towardsZero) | 1);
}

/// Products of pairs of bf16: BFDOT, which rounds twice to odd, or two multiply-adds (VDPBF16PS).
void Definition::addPair(Result &result, double first, double second) const {
  if (row.isa == Isa::AArch64)
    result.value = addToOdd(result.value, addToOdd(first, second));
  else
    result.value = float(first + double(float(second + result.value)));
  result.exact += first + second, result.magnitude += std::abs(first) + std::abs(second);
  result.terms += 4; // roundings to odd are of two units
}

Result Definition::floats(int64_t m, int64_t n) const {
  Result result;
  auto product = [&](int64_t c) { return c < w.k ? double(a.x[m * w.k + c]) * w.value(n, c) : 0; };
  bool pairs = row.narrow == FloatKind::BF16;
  for (int64_t c = 0; c < w.k; c += pairs ? 2 : 1)
    if (pairs)
      addPair(result, product(c), product(c + 1));
    else
      multiplyAdd(result, a.x[m * w.k + c], w.value(n, c), product(c));
  return result;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// The function of one product in buffer form. Rows of y are 3 columns longer than needed.
std::string functionText(const std::string &name, const InstructionRow &row, const Weight &w, const ProductShape &shape,
                         int64_t m, int64_t sumGroup) {
  bool look = row.kind == RowKind::Lookup;
  unsigned bias = w.biasFor(row);
  std::vector<std::pair<std::string, std::string>> args = {
      {"%w", memref({w.layout(row.nr(), row.kr(), bias, look).totalBytes()}, "i8")}};
  std::string names = "%x";
  mpgemm::ActivationLayout order = w.activationLayout(row, m);
  if (row.isInteger()) {
    int64_t blocks = order.blocks(m);
    int64_t codes = row.averages ? mpgemm::averagedTableBytes(w.k)
                    : look       ? mpgemm::tableBytes(w.k)
                                 : order.codesOfBlock();
    args.push_back({"%c", memref({blocks, codes}, "i8")});
    args.push_back({"%s", memref({blocks, order.numbersOfBlock(32)}, "f32")});
    args.push_back({"%t", memref({blocks, order.numbersOfBlock(sumGroup)}, "i32")});
    names = "%c, %s, %t";
    if (look)
      args.push_back({"%a", args.back().second}), names += ", %a";
  } else {
    args.push_back({"%x", memref({m, w.k}, "f32")});
  }
  size_t operands = args.size();
  std::string additions, additionTypes;
  if (shape.bias) {
    args.push_back({"%b", memref({w.n}, "f32")});
    additions += " bias %b", additionTypes += ", " + args.back().second;
  }
  std::string y = llvm::formatv("memref<{0}x{1}xf32, strided<[{2}, 1]>>", m, w.n, w.n + 3);
  if (shape.residual) {
    args.push_back({"%r", y});
    additions += " residual %r", additionTypes += ", " + y;
  }
  args.push_back({"%y", y});
  std::string header, types;
  for (auto &[argument, type] : args)
    header += argument + ": " + type + ", ";
  for (size_t i = 0; i < operands; ++i)
    types += args[i].second + ", ";
  return "func.func @" + name + "(" + header + "%n: index, %tid: index, %nth: index) {\n  mpgemm.mma %w, (" + names +
         ") rows %n" + additions + " into %y {row = \"" + row.name.str() + "\", layout = " +
         w.layoutText(row.nr(), row.kr(), bias, look) + (order.joinsHalves ? ", joins_halves} : (" : "} : (") + types +
         "index" + additionTypes + ", " + y + ") -> ()\n  return\n}\n";
}

} // namespace

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

struct ProductCases::Expected {
  std::string what;
  int64_t m, n;
  std::shared_ptr<std::vector<Result>> results;
};

ProductCases::ProductCases(const Machine &machine) : row(*findRow(machine.row)), fused(machine.fused) {}
ProductCases::~ProductCases() = default;

void ProductCases::add(const lowbit::Format &format, lowbit::CodeKind stored, const ProductShape &shape, int64_t m,
                       llvm::ArrayRef<ProductRun> runs, std::mt19937 &random) {
  Weight w = stored.width ? Weight(format, stored, shape.n, shape.k, random) : Weight(format, shape.n, shape.k, random);
  int64_t sumGroup = format.isFloat ? 32 : std::min(32u, format.group);
  std::string name = "case" + std::to_string(functions++);
  program.add(functionText(name, row, w, shape, m, sumGroup));
  Activations a(row.narrow.value_or(FloatKind::F32), m, shape.k, sumGroup, random);
  std::vector<float> bias(shape.n), residual(m * (shape.n + 3), 0.25f);
  for (float &value : bias)
    value = std::uniform_real_distribution<float>(-1, 1)(random);
  auto results = std::make_shared<std::vector<Result>>();
  Definition definition(w, a, row, fused);
  auto addTo = [](Result &result, float value) {
    result.value += value, result.exact += value, result.magnitude += std::abs(value);
  };
  for (int64_t i = 0; i < m; ++i)
    for (int64_t n = 0; n < shape.n; ++n) {
      results->push_back(row.isInteger() ? definition.dot(i, n) : definition.floats(i, n));
      if (shape.bias)
        addTo(results->back(), bias[n]);
      if (shape.residual)
        addTo(results->back(), 0.25f);
    }
  bool look = row.kind == RowKind::Lookup;
  std::vector<std::shared_ptr<Bytes>> operands = {
      std::make_shared<Bytes>(w.pack(row.nr(), row.kr(), w.biasFor(row), look))};
  LookupTables looked;
  if (look)
    looked = makeTables(a.codes, shape.k, sumGroup, row.averages);
  mpgemm::ActivationLayout order = w.activationLayout(row, m);
  if (row.isInteger())
    operands.insert(operands.end(),
                    {look ? bytesOf(looked.tables) : bytesOf(inOrder(a.codes, m, order)),
                     bytesOf(inOrder(a.scales, m, 32, order)), bytesOf(inOrder(a.sums, m, sumGroup, order))});
  else
    operands.push_back(bytesOf(a.x));
  if (look)
    operands.push_back(bytesOf(looked.bases));
  if (shape.bias)
    operands.push_back(bytesOf(bias));
  if (shape.residual)
    operands.push_back(bytesOf(residual));
  for (auto [valid, threads] : runs) {
    calls.push_back({name, operands, valid, threads});
    calls.back().buffers.push_back(bytesOf(std::vector<float>(m * (shape.n + 3), -77.0f)));
    std::string what = llvm::formatv("{0}{1}, {2} × {3}, m = {4}, {5} rows valid, {6} threads", format.name,
                                     stored.width ? " with stored numbers" : "", shape.n, shape.k, m, valid, threads);
    expectations.push_back({what, m, shape.n, results});
  }
}

/// Empty, or why a number is not the one that is expected.
static std::string whyWrong(float found, const Result &want) {
  if (!sameFloat(found, want.value))
    return llvm::formatv("{0}, expected {1}", found, want.value);
  double n = want.terms + 6, u = 0x1p-24, bound = n * u / (1 - n * u) * want.magnitude + (n + want.integers) * 0x1p-148;
  if (std::isfinite(found) && std::isfinite(want.magnitude) && std::abs(found - want.exact) > bound)
    return llvm::formatv("{0}, but exactly {1}, which is more than {2} away", found, want.exact, bound);
  return "";
}

std::string ProductCases::check() {
  if (std::string error = program.run(calls); !error.empty())
    return error;
  for (size_t index = 0; index < calls.size(); ++index) {
    const Call &call = calls[index];
    const Expected &expected = expectations[index];
    std::vector<float> y(call.buffers.back()->size() / 4);
    std::memcpy(y.data(), call.buffers.back()->data(), call.buffers.back()->size());
    for (int64_t i = 0; i < expected.m; ++i)
      for (int64_t j = 0; j < expected.n + 3; ++j) {
        // What is no result must be untouched: the gap between rows, and rows at and after n.
        bool isResult = i < call.n && j < expected.n;
        Result want = isResult ? (*expected.results)[i * expected.n + j] : Result{-77.0f, -77, 77, 0, 0};
        if (std::string why = whyWrong(y[i * (expected.n + 3) + j], want); !why.empty())
          return llvm::formatv("{0}: y[{1}][{2}] = {3}", expected.what, i, j, why);
      }
  }
  return "";
}

} // namespace nibble::test
