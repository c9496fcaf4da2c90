//===- RowKernelOracle.h - The row operations in double --------*- C++ -*-===//
//
// What the kernels on rows are held against: scalar loops over the definitions, in
// double. Rows are dense here; strides are the business of the test.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_TEST_KERNELS_ROWKERNELORACLE_H
#define NIBBLE_TEST_KERNELS_ROWKERNELORACLE_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nibble::test {

using Doubles = std::vector<double>;

inline Doubles oracleRMSNorm(const Doubles &x, const Doubles &weight, double epsilon) {
  double squares = 0;
  for (double value : x)
    squares += value * value;
  Doubles y;
  for (size_t i = 0; i < x.size(); ++i)
    y.push_back(x[i] / std::sqrt(squares / x.size() + epsilon) * weight[i]);
  return y;
}

inline Doubles oracleLayerNorm(Doubles x, const Doubles &weight, const Doubles &bias, double epsilon) {
  double mean = 0, squares = 0;
  for (double value : x)
    mean += value / x.size();
  for (double &value : x)
    value -= mean;
  for (double value : x)
    squares += value * value;
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = x[i] / std::sqrt(squares / x.size() + epsilon) * weight[i] + bias[i];
  return x;
}

/// Angle of one position of pair `i` of `pairs`.
inline double ropeTheta(int64_t i, int64_t pairs) { return std::pow(10000.0, -double(i) / double(pairs)); }

inline Doubles oracleRope(Doubles head, int64_t pairs, bool interleaved, int64_t position) {
  for (int64_t i = 0; i < pairs; ++i) {
    double angle = position * ropeTheta(i, pairs);
    double &a = head[interleaved ? 2 * i : i], &b = head[interleaved ? 2 * i + 1 : pairs + i];
    double first = a * std::cos(angle) - b * std::sin(angle);
    b = b * std::cos(angle) + a * std::sin(angle);
    a = first;
  }
  return head;
}

/// `keys` and `values`: one vector of headDim per position. A cap of 0 is none.
inline Doubles oracleAttention(const Doubles &q, const std::vector<Doubles> &keys, const std::vector<Doubles> &values,
                               double scale, double softcap = 0) {
  size_t positions = keys.size();
  Doubles scores;
  double maximum = -INFINITY, sum = 0;
  for (size_t p = 0; p < positions; ++p) {
    double score = 0;
    for (size_t d = 0; d < q.size(); ++d)
      score += q[d] * keys[p][d];
    scores.push_back(softcap == 0 ? score * scale : softcap * std::tanh(score * scale / softcap));
    maximum = std::fmax(maximum, scores.back());
  }
  Doubles y(q.size(), 0.0);
  for (size_t p = 0; p < positions; ++p) {
    double weight = std::exp(scores[p] - maximum);
    sum += weight;
    for (size_t d = 0; d < q.size(); ++d)
      y[d] += weight * values[p][d];
  }
  for (double &value : y)
    value /= sum;
  return y;
}

inline double oracleSiLU(double x) { return x / (1 + std::exp(-x)); }

inline double oracleGELU(double x) {
  // erfc-like form of (1 + tanh z) / 2 that keeps its precision for negative z.
  double z = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * z));
}

/// Σ (a - b)² / Σ b².
inline double normalizedError(const Doubles &found, const Doubles &expected) {
  double error = 0, power = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    error += (found[i] - expected[i]) * (found[i] - expected[i]);
    power += expected[i] * expected[i];
  }
  return power == 0 ? error : error / power;
}

} // namespace nibble::test

#endif // NIBBLE_TEST_KERNELS_ROWKERNELORACLE_H
