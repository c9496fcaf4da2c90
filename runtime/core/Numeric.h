//===- Numeric.h - exponential and logarithm ---------------------*- C++ -*-===//
//
// What:  exp and log in double precision, in a handful of lines.
// Why:   the C library picks a variant by processor, and its last bits differ
//        between targets; with these, a seed draws the same text from the same
//        logits on every machine (the runtime is built with -ffp-contract=off).
// Contract: relative error below 1e-15 in the stated ranges. Sampling and
//        measuring only: the model's own arithmetic is generated code.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <bit>
#include <cstdint>

namespace nibble::rt {

/// e^x for x ≤ 700; 0 below -700. exp(x) = 2^k · exp(r), |r| ≤ ln2/2, exp(r) by its Taylor series: the first
/// omitted term is 0.347^14/14! = 4e-18.
inline double exponential(double x) {
  if (!(x > -700.0))
    return 0.0;
  if (x > 700.0)
    x = 700.0;
  double scaled = x * 1.4426950408889634;
  auto k = static_cast<int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  // ln2 in two parts, the first with 21 zero bits at the end, so that k times it is exact.
  double r = (x - static_cast<double>(k) * 0x1.62e42fee00000p-1) - static_cast<double>(k) * 0x1.a39ef35793c76p-33;
  double sum = 1.0;
  for (int i = 13; i >= 1; --i)
    sum = 1.0 + sum * r / i;
  return sum * std::bit_cast<double>(static_cast<uint64_t>(k + 1023) << 52);
}

/// ln x for normal x > 0. x = 2^k · m, m in [√½, √2); ln m = 2 artanh(s), s = (m-1)/(m+1), |s| ≤ 0.172: the
/// first omitted term is s^23/23 < 1e-18.
inline double logarithm(double x) {
  auto bits = std::bit_cast<uint64_t>(x);
  auto k = static_cast<int64_t>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFull) | 0x3FF0000000000000ull);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++k;
  }
  double s = (m - 1.0) / (m + 1.0), square = s * s, sum = 0.0;
  for (int i = 21; i >= 1; i -= 2)
    sum = sum * square + 1.0 / i;
  return static_cast<double>(k) * 0.6931471805599453 + 2.0 * s * sum;
}

} // namespace nibble::rt
