//===- Compensation.cpp - columns make up for each other's errors --------===//
//
// See Compensation.h. Sums run in eight lanes, as in BlockFit.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Compensation.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/ErrorHandling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

// The same bits on every host.
#pragma STDC FP_CONTRACT OFF

using namespace nibble::lowbit;

/// Of the mean of the diagonal, what is added to it.
constexpr double kDamping = 0.01;

template <typename T> static T dot(const T *a, const T *b, int64_t count) {
  T lanes[8] = {}, sum = 0;
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int64_t lane = 0; lane < 8; ++lane)
      lanes[lane] += a[i + lane] * b[i + lane];
  for (; i < count; ++i)
    sum += a[i] * b[i];
  for (T lane : lanes)
    sum += lane;
  return sum;
}

/// The upper triangle of H = R·Rᵀ becomes R, from the last column to the first.
static void factor(std::vector<double> &h, int64_t n) {
  for (int64_t j = n - 1; j >= 0; --j) {
    double *pivot = &h[j * n];
    int64_t rest = n - 1 - j;
    // Damped moments are positive definite; rounding must not make them less.
    double square = pivot[j] - dot(pivot + j + 1, pivot + j + 1, rest);
    pivot[j] = std::sqrt(std::max(square, 1e-12 * pivot[j]));
    for (int64_t i = 0; i < j; ++i) {
      double *row = &h[i * n];
      row[j] = (row[j] - dot(row + j + 1, pivot + j + 1, rest)) / pivot[j];
    }
  }
}

Compensation::Compensation(const std::vector<float> &moments, int64_t columns)
    : order(columns) {
  if (int64_t(moments.size()) != columns * columns)
    llvm::report_fatal_error("moments of " + llvm::Twine(columns) +
                             " columns are as many rows of as many numbers, found " + llvm::Twine(moments.size()));
  double mean = 0;
  for (int64_t j = 0; j < columns; ++j)
    mean += double(moments[j * columns + j]) / double(columns);
  // Inputs that are all zero: every column counts the same.
  double damping = mean > 0 ? kDamping * mean : 1;
  for (int64_t j = 0; j < columns; ++j)
    counts.push_back(float((double(moments[j * columns + j]) + damping) /
                           (mean + damping)));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::pair(-counts[a], a) < std::pair(-counts[b], b);
  });
  std::vector<double> h(columns * columns);
  for (int64_t i = 0; i < columns; ++i)
    for (int64_t j = i; j < columns; ++j) {
      auto [low, high] = std::minmax(order[i], order[j]);
      h[i * columns + j] = moments[low * columns + high] + (i == j ? damping : 0);
    }
  factor(h, columns);
  shares.reserve(beginOf(columns));
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t k = 0; k < j; ++k)
      shares.push_back(float(h[k * columns + j] / h[j * columns + j]));
}

float Compensation::owed(int64_t place, const float *errors) const {
  return dot(errors, shares.data() + beginOf(place), place);
}
