//===- LearnedBook.cpp - codebooks that are made for their numbers -------===//
//
// See LearnedBook.h. Scales and codebook depend on each other: groups are divided
// by their largest number first, and then by the scale that the codebook so far
// gives them.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/LearnedBook.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

//===----------------------------------------------------------------------===//
// Clusters of numbers
//===----------------------------------------------------------------------===//

namespace {
/// Sorted numbers with running sums of w and w·x.
class SortedNumbers {
public:
  explicit SortedNumbers(std::vector<Weighted> unsorted);

  size_t size() const { return numbers.size(); }
  float at(size_t index) const { return numbers[index].x; }
  /// All different numbers, or one more than `most` of them.
  std::vector<float> differentOnes(size_t most) const;
  /// Numbers that divide Σ w·(density to the power 1 - flatness) equally.
  std::vector<float> spread(size_t count, double flatness) const;
  /// Moves centers to the means of what is nearest; the squares that they explain.
  double improve(std::vector<float> &centers) const;

private:
  std::vector<Weighted> numbers;
  std::vector<double> weights, products; ///< before each number, and of all
};
} // namespace

SortedNumbers::SortedNumbers(std::vector<Weighted> unsorted)
    : numbers(std::move(unsorted)) {
  std::sort(numbers.begin(), numbers.end(), [](Weighted a, Weighted b) {
    return std::pair(a.x, a.w) < std::pair(b.x, b.w);
  });
  weights.push_back(0), products.push_back(0);
  for (Weighted number : numbers) {
    weights.push_back(weights.back() + number.w);
    products.push_back(products.back() + double(number.w) * number.x);
  }
}

std::vector<float> SortedNumbers::differentOnes(size_t most) const {
  std::vector<float> found;
  for (Weighted number : numbers)
    if ((found.empty() || found.back() != number.x) && found.size() <= most)
      found.push_back(number.x);
  return found;
}

/// Steps of a histogram that stands for the density.
static constexpr int kSteps = 256;

std::vector<float> SortedNumbers::spread(size_t count, double flatness) const {
  double low = at(0), width = (at(size() - 1) - low) / kSteps;
  std::vector<double> mass(kSteps, 0.0), before(1, 0.0);
  for (Weighted number : numbers)
    mass[std::min<int>(kSteps - 1, int((number.x - low) / width))] += number.w;
  for (double step : mass)
    before.push_back(before.back() + std::pow(step, 1 - flatness));
  std::vector<float> centers;
  for (size_t index = 0; index < count; ++index) {
    double wanted = (double(index) + 0.5) / double(count) * before.back();
    size_t step = std::upper_bound(before.begin() + 1, before.end() - 1, wanted) -
                  before.begin();
    double inside = (wanted - before[step - 1]) / (before[step] - before[step - 1]);
    centers.push_back(float(low + width * (double(step) - 1 + inside)));
  }
  return centers;
}

double SortedNumbers::improve(std::vector<float> &centers) const {
  double explained = 0;
  size_t begin = 0;
  for (size_t index = 0; index < centers.size(); ++index) {
    size_t end = size();
    if (index + 1 < centers.size()) {
      float middle = 0.5f * (centers[index] + centers[index + 1]);
      end = std::partition_point(numbers.begin() + begin, numbers.end(),
                                 [&](Weighted number) { return number.x <= middle; }) -
            numbers.begin();
    }
    double weight = weights[end] - weights[begin];
    double product = products[end] - products[begin];
    if (weight > 0) {
      centers[index] = float(product / weight);
      explained += product * product / weight;
    }
    begin = end;
  }
  return explained;
}

/// Lloyd's algorithm from where the centers are, until it hardly moves.
static double settle(const SortedNumbers &numbers, std::vector<float> &centers) {
  double explained = 0;
  for (int round = 0; round < 40; ++round) {
    double next = numbers.improve(centers);
    if (round && next <= explained * (1 + 1e-7))
      break;
    explained = next;
  }
  return explained;
}

std::vector<float> lowbit::clusterCenters(std::vector<Weighted> list,
                                          size_t count) {
  std::erase_if(list, [](Weighted number) { return !(number.w > 0); });
  if (list.empty())
    return {0};
  SortedNumbers numbers(std::move(list));
  std::vector<float> best = numbers.differentOnes(count);
  if (best.size() <= count)
    return best;
  double most = -1;
  for (double flatness : {0.0, 2.0 / 3, 1.0}) {
    std::vector<float> centers = numbers.spread(count, flatness);
    double explained = settle(numbers, centers);
    if (explained > most)
      most = explained, best = std::move(centers);
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Stored numbers
//===----------------------------------------------------------------------===//

static size_t bytesOfEntry(const CodeKind &kind) {
  return kind.entry == CodeKind::I8 ? 1 : kind.entry == CodeKind::F16 ? 2 : 4;
}

size_t lowbit::bytesOfBook(const CodeKind &kind) {
  return bytesOfEntry(kind) << kind.width;
}

std::vector<float> lowbit::numbersOfBook(const CodeKind &kind,
                                         const uint8_t *book) {
  std::vector<float> numbers(size_t(1) << kind.width);
  for (size_t code = 0; code < numbers.size(); ++code) {
    const uint8_t *at = book + code * bytesOfEntry(kind);
    numbers[code] = kind.entry == CodeKind::I8 ? float(int8_t(*at))
                    : kind.entry == CodeKind::F16
                        ? toFloat(FloatKind::F16, at)
                        : toFloat(FloatKind::F32, at);
  }
  return numbers;
}

/// Of numbers that were brought to -1 … 1; codes that are left over repeat the
/// highest one.
static std::vector<uint8_t> storeBook(const CodeKind &kind,
                                      std::vector<float> numbers) {
  numbers.resize(size_t(1) << kind.width, numbers.back());
  std::vector<uint8_t> book(bytesOfBook(kind));
  for (size_t code = 0; code < numbers.size(); ++code) {
    uint32_t bits =
        kind.entry == CodeKind::I8
            ? uint32_t(int32_t(std::nearbyint(numbers[code] * 127)))
            : bitsOfNearest(kind.entry == CodeKind::F16 ? FloatKind::F16
                                                        : FloatKind::F32,
                            numbers[code]);
    std::memcpy(&book[code * bytesOfEntry(kind)], &bits, bytesOfEntry(kind));
  }
  return book;
}

/// The codebook with the numbers nearest to the clusters of all groups' numbers,
/// each group brought to the scale that it has in `fits`.
static std::vector<uint8_t> bookFor(const CodeKind &kind,
                                    const std::vector<Sample> &groups,
                                    const std::vector<Fit> &fits) {
  std::vector<Weighted> numbers;
  for (size_t g = 0; g < groups.size(); ++g) {
    float scale = fits[g].scale, inverse = inverseOf(scale);
    for (size_t i = 0; inverse != 0 && i < groups[g].count; ++i)
      numbers.push_back({(groups[g].x[i] - fits[g].minimum) * inverse,
                         groups[g].w[i] * scale * scale});
  }
  std::vector<float> centers = clusterCenters(std::move(numbers), size_t(1) << kind.width);
  float largest = std::max(std::abs(centers.front()), std::abs(centers.back()));
  for (float &center : centers)
    center *= inverseOf(largest);
  return storeBook(kind, std::move(centers));
}

/// The group's range: with a minimum from there on, else on both sides of zero.
static Fit rangeOf(const Sample &group, bool hasMin) {
  float low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < group.count; ++i)
    if (group.w[i] > 0)
      low = std::min(low, group.x[i]), high = std::max(high, group.x[i]);
  if (!(low <= high))
    return {};
  return hasMin ? Fit{high - low, low} : Fit{std::max(std::abs(low), std::abs(high)), 0};
}

std::vector<uint8_t> lowbit::learnBook(BlockType type,
                                       const std::vector<Sample> &groups) {
  const CodeKind kind = type.getCode();
  std::vector<Fit> fits;
  for (const Sample &group : groups)
    fits.push_back(rangeOf(group, type.hasMin()));
  std::vector<uint8_t> book = bookFor(kind, groups, fits);
  if (groups.size() == 1 && !type.hasMin())
    return book; // a scale that all numbers share moves none of them
  Scratch scratch;
  for (int round = 0; round < 2; ++round) {
    Levels levels(numbersOfBook(kind, book.data()));
    if (levels.size() == 1)
      break;
    for (size_t g = 0; g < groups.size(); ++g)
      if (type.hasMin())
        fits[g] = fitScaleAndMinimum(groups[g], levels, type.isTwoLevel(), scratch);
      else
        fits[g].scale = fitScale(groups[g], levels, /*negative=*/true, scratch);
    book = bookFor(kind, groups, fits);
  }
  return book;
}
