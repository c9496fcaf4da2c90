//===- Codebook.cpp - codes that stand for the numbers of a list ---------===//
//
// See Codebook.h.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Codebook.h"

#include "llvm/ADT/STLExtras.h"

#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

using namespace nibble::lowbit;

namespace {
enum class Special { None, NaN, Ieee };

/// All codebooks of the process.
class CodebookTable {
public:
  static CodebookTable &get() {
    static CodebookTable table;
    return table;
  }

  const Codebook *find(llvm::ArrayRef<float> levels);
  llvm::ArrayRef<const Codebook *> namedOnes() const { return named; }

private:
  CodebookTable();
  Codebook *add(std::string name, std::vector<float> levels);
  void addNamed(std::string name, std::vector<float> levels,
                unsigned exponentBits = 0, unsigned mantissaBits = 0) {
    Codebook *book = add(std::move(name), std::move(levels));
    book->exponentBits = exponentBits;
    book->mantissaBits = mantissaBits;
    named.push_back(book);
  }

  std::mutex mutex;
  std::vector<std::unique_ptr<Codebook>> all;
  std::vector<const Codebook *> named;
};
} // namespace

/// Finds the smallest unit with which the levels are signed bytes, if any does.
static void findIntegers(Codebook &book) {
  for (unsigned unit = 0; unit < 8; ++unit) {
    std::vector<int8_t> integers;
    for (float level : book.levels) {
      float scaled = std::ldexp(level, int(unit));
      if (!(std::abs(scaled) <= 127) || scaled != std::floor(scaled))
        break;
      integers.push_back(int8_t(scaled));
    }
    if (integers.size() != book.levels.size())
      continue;
    book.integers = std::move(integers);
    book.unit = unit;
    for (float &level : book.levels)
      level += 0.0f; // an integer has one zero
    return;
  }
}

static std::vector<float> smallFloats(unsigned exponentBits,
                                      unsigned mantissaBits, Special special) {
  const unsigned count = 1u << (exponentBits + mantissaBits);
  const int bias = (1 << (exponentBits - 1)) - 1;
  std::vector<float> levels(2 * count);
  for (unsigned code = 0; code < count; ++code) {
    unsigned mantissa = code & ((1u << mantissaBits) - 1);
    int exponent = int(code >> mantissaBits);
    bool isLargest = exponent == (1 << exponentBits) - 1;
    int significand = exponent ? int(mantissa) + (1 << mantissaBits)
                               : int(mantissa);
    float value = std::ldexp(float(significand), std::max(exponent, 1) - bias -
                                                     int(mantissaBits));
    if (special == Special::Ieee && isLargest)
      value = mantissa ? std::numeric_limits<float>::quiet_NaN()
                       : std::numeric_limits<float>::infinity();
    if (special == Special::NaN && code == count - 1)
      value = std::numeric_limits<float>::quiet_NaN();
    levels[code] = value;
    levels[count + code] = -value;
  }
  return levels;
}

static std::vector<float> scaled(unsigned unit, std::vector<float> levels) {
  for (float &level : levels)
    level = std::ldexp(level, -int(unit));
  return levels;
}

CodebookTable::CodebookTable() {
#define NIBBLE_SMALL_FLOAT(name, exponentBits, mantissaBits, special)          \
  addNamed(#name, smallFloats(exponentBits, mantissaBits, Special::special),   \
           exponentBits, mantissaBits);
#define NIBBLE_CODEBOOK(name, unit, ...)                                       \
  addNamed(#name, scaled(unit, {__VA_ARGS__}));
#include "dialects/LowBit/Codebooks.def"
}

Codebook *CodebookTable::add(std::string name, std::vector<float> levels) {
  auto book = std::make_unique<Codebook>();
  book->name = std::move(name);
  book->width = unsigned(std::countr_zero(levels.size()));
  book->levels = std::move(levels);
  findIntegers(*book);
  all.push_back(std::move(book));
  return all.back().get();
}

static bool sameBits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

const Codebook *CodebookTable::find(llvm::ArrayRef<float> levels) {
  std::lock_guard lock(mutex);
  Codebook wanted;
  wanted.levels = levels.vec();
  findIntegers(wanted);
  for (const std::unique_ptr<Codebook> &book : all)
    if (llvm::equal(book->levels, wanted.levels, sameBits))
      return book.get();
  return add("", levels.vec());
}

bool Codebook::contains(const Codebook &other) const {
  return llvm::all_of(other.levels, [&](float wanted) {
    return llvm::any_of(levels, [&](float level) { return level == wanted; });
  });
}

const Codebook *nibble::lowbit::getCodebook(llvm::ArrayRef<float> levels) {
  return CodebookTable::get().find(levels);
}

llvm::ArrayRef<const Codebook *> nibble::lowbit::namedCodebooks() {
  return CodebookTable::get().namedOnes();
}

const Codebook *nibble::lowbit::findCodebook(llvm::StringRef name) {
  for (const Codebook *book : namedCodebooks())
    if (name == book->name)
      return book;
  return nullptr;
}
