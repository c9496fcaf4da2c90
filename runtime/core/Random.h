//===- Random.h - the generator of random numbers ----------------*- C++ -*-===//
//
// What:  PCG32 (XSH-RR 64/32): O'Neill, "PCG: A Family of Simple Fast
//        Space-Efficient Statistically Good Algorithms for Random Number
//        Generation", 2014, section 6.3.1.
// Why:   small, well tested, and part of what a seed means: it never changes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble::rt {

class Random {
public:
  explicit Random(uint64_t seed = 0) {
    next();
    state += seed;
    next();
  }

  /// 32 random bits.
  uint32_t next() {
    uint64_t old = state;
    state = old * 6364136223846793005ull + Increment;
    auto shifted = static_cast<uint32_t>(((old >> 18) ^ old) >> 27);
    auto turn = static_cast<uint32_t>(old >> 59);
    return (shifted >> turn) | (shifted << ((32 - turn) & 31));
  }

  /// Uniform in [0, 1), with 32 bits.
  double uniform() { return next() * 0x1p-32; }

private:
  static constexpr uint64_t Increment = 1442695040888963407ull; // the stream; odd
  uint64_t state = 0;
};

} // namespace nibble::rt
